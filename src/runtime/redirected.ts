import { type HttpTarget, urlText } from '../pod/index.ts';

/** Where an answer's `Location` leads; `undefined` for what is no place to go to. */
export function redirected(location: string, from: HttpTarget): HttpTarget | undefined {
  const url = URL.parse(location, urlText(from));
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { scheme, host, port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port), path: `${url.pathname}${url.search}` };
}
