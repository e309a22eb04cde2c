import { readFile } from 'node:fs/promises';

/** Content of a file of /proc or /sys; empty where there is none: what is counted there comes and goes. */
export async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** The one number in a file; `undefined` where there is none, or `max`. */
export async function numberOf(path: string): Promise<number | undefined> {
  const text = (await textOf(path)).trim();
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** `key value` lines, or `key: value unit` ones. */
export function valuesIn(text: string): ReadonlyMap<string, number> {
  return new Map(text.split('\n').flatMap((line): [string, number][] => {
    const [, key, value] = /^([^\s:]+):?\s+(\d+)/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, Number(value)]];
  }));
}
