import { Refusal } from '../http/answer.ts';
import type { LogOptions } from '../contract.ts';

const undecodable = (): Refusal => Refusal.of(400, '{"message": "Unable to decode query."}');
const invalid = (): Refusal => Refusal.of(422, '{"message": "Invalid request."}');

/**
 * What the query asks of a log (Kubernetes v1.20 `PodLogOptions`, pkg/kubelet/server/server.go getContainerLogs; the old `tail` is
 * another name of `tailLines`). Throws a `Refusal`: 400 for what is none, 422 for what cannot be meant.
 */
export function logOptions(query: URLSearchParams): LogOptions {
  const tail = query.get('tail') ?? '';
  const tailLines = tail === 'all' ? undefined : tail === '' ? wholeNumber(query.get('tailLines')) : wholeNumber(tail);
  const sinceSeconds = wholeNumber(query.get('sinceSeconds'));
  const limitBytes = wholeNumber(query.get('limitBytes'));
  const sinceTime = time(query.get('sinceTime'));
  if ((tailLines ?? 0) < 0 || (limitBytes ?? 1) < 1 || (sinceSeconds ?? 1) < 1 || (sinceSeconds !== undefined && sinceTime !== undefined)) throw invalid();
  return {
    follow: flag(query.get('follow')),
    previous: flag(query.get('previous')),
    timestamps: flag(query.get('timestamps')),
    ...(tailLines !== undefined && { tailLines }),
    ...(sinceSeconds !== undefined && { sinceSeconds }),
    ...(sinceTime !== undefined && { sinceTime }),
    ...(limitBytes !== undefined && { limitBytes }),
  };
}

/** As the conversion of query parameters has it: there and neither `0` nor `false` in any case is true. */
function flag(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

/** One of 64 bits: some mean "all" by the largest there is. Beyond 2^53 it need not be exact, as no log has so many of anything. */
function wholeNumber(value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  if (!/^[+-]?\d+$/.test(value) || BigInt.asIntN(64, BigInt(value.replace('+', ''))) !== BigInt(value.replace('+', ''))) throw undecodable();
  return Number(value);
}

/** Milliseconds since the epoch of an RFC 3339 time. */
function time(value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  const at = Date.parse(value);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) || Number.isNaN(at)) throw undecodable();
  return at;
}
