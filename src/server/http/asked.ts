import type { IncomingMessage } from 'node:http';

/** Decoded path; `undefined` for what is no path. Dots and doubled slashes stay: no route has any. */
export function pathOf({ url = '' }: IncomingMessage): string | undefined {
  const at = url.indexOf('?');
  const raw = at < 0 ? url : url.slice(0, at);
  if (!raw.startsWith('/')) return undefined;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/** The query, which may be long (a command with its arguments) and in many parts: not to be read for those whom nobody has admitted. */
export function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}
