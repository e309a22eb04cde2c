import { accessSync, constants, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { isAbsolute, normalize } from 'node:path';
import { KmError, parseGoDuration, sysctlNamespace } from '../base/index.ts';

const fault = (wanted: string, text: string): KmError => new KmError('invalid', `want ${wanted}, not "${text}"`);

export function oneOf<const T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw fault(choices.join(' or '), text);
    return choice;
  };
}

export function bool(text: string): boolean {
  if (!/^(true|false)$/i.test(text)) throw fault('true or false', text);
  return text.toLowerCase() === 'true';
}

export function integerFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) throw fault(`a whole number of at least ${least}`, text);
    return value;
  };
}

/** A TCP port, or 0. */
export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw fault('a port from 0 to 65535', text);
  return port;
}

/** Milliseconds of a Go duration of at least `leastMs`. */
export function durationFrom(leastMs: number): (text: string) => number {
  return (text) => {
    const ms = parseGoDuration(text);
    if (ms < leastMs) throw fault(`at least ${leastMs / 1000}s`, text);
    return ms;
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** Bytes of a whole number with a unit of memory: `10Mi`. */
export function byteSize(text: string): number {
  const match = /^(\d+)(k|M|G|Ki|Mi|Gi)?$/.exec(text);
  const bytes = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? NaN);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw fault('a size like 10Mi', text);
  return bytes;
}

/** An absolute path: a relative one would be in the Mesos sandbox, which the agent deletes with all that is in it. */
export function absolutePath(text: string): string {
  if (!isAbsolute(text)) throw fault('an absolute path', text);
  const path = normalize(text);
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** One path at least, separated by commas. */
export function absolutePaths(text: string): readonly string[] {
  const paths = items(text).map(absolutePath);
  if (paths.length === 0) throw fault('an absolute path', text);
  return paths;
}

/** As `absolutePath`; empty where there is to be none. */
export function absolutePathOrNone(text: string): string {
  return text === '' ? '' : absolutePath(text);
}

export function readableFile(text: string): string {
  try {
    accessSync(text, constants.R_OK);
  } catch (error) {
    throw new KmError('invalid', `${text} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  if (statSync(text).isDirectory()) throw new KmError('invalid', `${text} is a directory`);
  return text;
}

export function ipAddress(text: string): string {
  if (isIP(text) === 0) throw fault('an IP address', text);
  return text;
}

export function ipAddresses(text: string): readonly string[] {
  return items(text).map(ipAddress);
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A name as DNS has it (RFC 1123), the form of all node names; written small. */
export function dnsName(text: string): string {
  const name = text.trim().toLowerCase();
  if (name.length > 253 || !name.split('.').every((label) => LABEL.test(label))) throw fault('a DNS name', text);
  return name;
}

const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** `key=value,...` as labels of an object. */
export function labels(text: string): Readonly<Record<string, string>> {
  const pairs = items(text).map((item): [string, string] => {
    const at = item.indexOf('=');
    const key = at < 0 ? item : item.slice(0, at);
    const value = at < 0 ? '' : item.slice(at + 1);
    const [name, prefix, ...more] = key.split('/').reverse();
    if (at < 0 || !LABEL_NAME.test(name ?? '') || more.length > 0) throw fault('labels like key=value', item);
    if (prefix !== undefined && !prefix.split('.').every((label) => LABEL.test(label))) throw fault('labels like example.com/key=value', item);
    if (value !== '' && !LABEL_NAME.test(value)) throw fault('label values of letters, digits, "-", "_" and "."', item);
    return [key, value];
  });
  return Object.freeze(Object.fromEntries(pairs));
}

export function engineEndpoint(text: string): string {
  if (/^unix:\/\/\/.+/.test(text)) return text;
  if (/^(tcp|http|https):\/\//.test(text) && URL.canParse(text) && new URL(text).hostname !== '') return text;
  throw fault('unix:///path or tcp://host:port', text);
}

/** An image as one gives it to `docker pull`. */
export function imageName(text: string): string {
  if (!/^[a-z0-9][\w.:/@-]*$/.test(text)) throw fault('an image', text);
  return text;
}

const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SYSCTL_PATTERN = new RegExp(`^(${SYSCTL_SEGMENT}\\.)*([a-z0-9][-_a-z0-9]*)?[a-z0-9*]$`);

/** Names of sysctls, each perhaps with a `*` at its end (Kubernetes v1.20 pkg/kubelet/sysctl/whitelist.go). */
export function sysctlPatterns(text: string): readonly string[] {
  return items(text).map((pattern) => {
    if (pattern.length > 253 || !SYSCTL_PATTERN.test(pattern)) throw fault('names of sysctls like net.core.somaxconn or kernel.msg*', pattern);
    if (sysctlNamespace(pattern.replace(/\*$/, '')) === undefined) throw new KmError('invalid', `${pattern} is not known to be namespaced: it would change the node`);
    return pattern;
  });
}

function items(text: string): string[] {
  const trimmed = text.split(',').map((item) => item.trim());
  return trimmed.filter((item) => item !== '');
}
