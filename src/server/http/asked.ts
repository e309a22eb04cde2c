import type { IncomingMessage } from 'node:http';

/** Decoded path and query; `undefined` for what is no path. Dots and doubled slashes stay: no route has any. */
export function pathAndQuery({ url = '' }: IncomingMessage): { path: string; query: URLSearchParams } | undefined {
  const at = url.indexOf('?');
  const raw = at < 0 ? url : url.slice(0, at);
  if (!raw.startsWith('/')) return undefined;
  try {
    return { path: decodeURIComponent(raw), query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)) };
  } catch {
    return undefined;
  }
}
