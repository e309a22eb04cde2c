import { KmError } from './errors.ts';

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  secs: 1e9,
  mins: 60e9,
  hrs: 3600e9,
  days: 86_400e9,
  weeks: 604_800e9,
};

/**
 * Milliseconds of a Mesos duration: a number and one of ns us ms secs mins hrs days weeks (Mesos stout/duration.hpp).
 * Throws code `invalid`.
 */
export function parseMesosDuration(text: string): number {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*([a-z]+)\s*$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : NANOSECONDS[match[2]];
  if (match?.[1] === undefined || unit === undefined) {
    throw new KmError('invalid', `"${text}" is no duration: want a number and one of ${Object.keys(NANOSECONDS).join(' ')}`);
  }
  return (Number(match[1]) * unit) / 1e6;
}

const GO_MILLISECONDS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a Go duration as the kubelet's flags take them: `1m30s`, `100ms`, `0`. Throws code `invalid`. */
export function parseGoDuration(text: string): number {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    throw new KmError('invalid', `"${text}" is no duration: want something like 300ms, 10s, 1m30s, 2h`);
  }
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(number) * (GO_MILLISECONDS[unit as string] as number);
  }
  return sum;
}

/** A duration of so many milliseconds as Go writes it, `1m30s` or `4h0m0s`: what clients of Kubernetes read. */
export function goDuration(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0s' : `${ms}ms`;
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1000];
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
