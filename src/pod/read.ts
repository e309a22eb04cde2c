import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import { KmError, messageOf } from '../base/index.ts';
import type { Pod } from './types.ts';

/** No larger text is read, inflated or not, bytes: an API server stores no object beyond 1.5 MiB. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Nesting of objects and lists; a pod needs about 12. Keeps everything after us from recursing into the deep. */
const DEEPEST = 100;

const inflate = promisify(gunzip);

/** A Pod from JSON or YAML, gzipped or not. Throws KmError `invalid`, whose message says what is wrong. */
export async function parsePod(data: Uint8Array): Promise<Pod> {
  return asPod(await parseObject(data), '');
}

/** The pods of a (gzipped) PodList, as `ExecutorInfo.data` carries static pods. Throws KmError `invalid`. */
export async function parsePodList(data: Uint8Array): Promise<Pod[]> {
  const list = await parseObject(data);
  const { apiVersion, kind, items } = list;
  if (apiVersion !== 'v1') throw invalid(`apiVersion: ${mustBe('v1', apiVersion)}`);
  if (kind !== 'PodList' && kind !== 'List') throw invalid(`kind: ${mustBe('PodList', kind)}`);
  if (items === undefined || items === null) return [];
  if (!Array.isArray(items)) throw invalid('items: must be a list');
  // An API server leaves apiVersion and kind out of the items of a list.
  return items.map((item: unknown, i) => (isObject(item) ? asPod({ apiVersion: 'v1', kind: 'Pod', ...item }, `items[${i}].`) : notAPod(`items[${i}]`)));
}

function asPod(object: Record<string, unknown>, path: string): Pod {
  const { apiVersion, kind } = object;
  if (kind !== 'Pod') throw invalid(`${path}kind: ${mustBe('Pod', kind)}`);
  if (apiVersion !== 'v1') throw invalid(`${path}apiVersion: ${mustBe('v1', apiVersion)}`);
  return object; // its fields are unchecked still: `validatePod` names what is wrong
}

async function parseObject(data: Uint8Array): Promise<Record<string, unknown>> {
  const text = await textOf(data);
  const value = /^\s*[[{]/.test(text) ? await fromJson(text) : await fromYaml(text);
  if (Array.isArray(value)) throw invalid('data: a list; must be one object');
  if (!isObject(value)) throw invalid('data: must be a Kubernetes object in JSON or YAML');
  checkDepth(value);
  return value;
}

async function textOf(data: Uint8Array): Promise<string> {
  if (data.length === 0) throw invalid('data: empty; must be a Kubernetes object in JSON or YAML');
  if (data.length > MOST_BYTES) throw tooLarge();
  const bytes = data[0] === 0x1f && data[1] === 0x8b ? await inflated(data) : data;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('data: neither text nor gzip; must be a Kubernetes object in JSON or YAML');
  }
  if (/[\0-\x08\x0e-\x1f]/.test(text)) throw invalid('data: holds control characters; must be a Kubernetes object in JSON or YAML');
  return text;
}

async function inflated(data: Uint8Array): Promise<Uint8Array> {
  try {
    return await inflate(data, { maxOutputLength: MOST_BYTES });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new KmError('invalid', `data: not valid gzip: ${messageOf(cause)}`, { cause });
  }
}

/** YAML has JSON inside it, but not the other way: what is no JSON may still be YAML in flow style. */
async function fromJson(text: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (/^\s*(\{\s*"|\[)/.test(text)) throw new KmError('invalid', `data: not valid JSON: ${messageOf(cause)}`, { cause });
  }
  return fromYaml(text);
}

async function fromYaml(text: string): Promise<unknown> {
  const { parseYaml } = await import('./read-yaml.ts'); // most pods are JSON: the YAML library is loaded for the first that is not
  return parseYaml(text);
}

/** Without recursion: the value may be as deep as its text is long. */
function checkDepth(root: unknown): void {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) throw invalid(`data: nested deeper than ${DEEPEST} levels`);
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) next.push(inner);
    }
    level = next;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mustBe(wanted: string, value: unknown): string {
  if (value === undefined || value === null) return `required: must be ${wanted}`;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : `a ${Array.isArray(value) ? 'list' : typeof value}`;
  return `must be ${wanted}, not ${shown}`;
}

function notAPod(field: string): never {
  throw invalid(`${field}: must be a Pod`);
}

function tooLarge(): KmError {
  return invalid(`data: larger than ${MOST_BYTES / 1024 / 1024} MiB`);
}

function invalid(message: string): KmError {
  return new KmError('invalid', message);
}
