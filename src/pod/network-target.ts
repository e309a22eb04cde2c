import { KmError } from '../base/index.ts';
import type { Container, Handler } from './types.ts';

/** Where a probe or hook connects to. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a probe or hook GETs. */
export interface HttpTarget extends Address {
  readonly scheme: 'http' | 'https';
  /** As it goes into the request line: begins with a slash, has the query, only characters that may stand in one. */
  readonly path: string;
}

type HttpGet = NonNullable<Handler['httpGet']>;

/** The pod's address unless the action names a host. Throws KmError `invalid` when its port has no number. */
export function addressOf(action: { host?: string; port?: string | number | object }, container: Container, podIP: string): Address {
  return { host: action.host === undefined || action.host === '' ? podIP : action.host, port: portOf(action.port, container) };
}

/** Kubernetes v1.20 pkg/kubelet/prober/prober.go formatURL. Throws as `addressOf`. */
export function httpTarget(action: HttpGet, container: Container, podIP: string): HttpTarget {
  const scheme = action.scheme?.toUpperCase() === 'HTTPS' ? 'https' : 'http';
  return { scheme, ...addressOf(action, container, podIP), path: requestPath(action.path ?? '') };
}

/** `http://10.0.0.1:80/healthz`. */
export function urlText({ scheme, host, port, path }: HttpTarget): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}

/** A number, or the name of a port of the container. */
export function portOf(port: number | string | object | undefined, container: Container): number {
  const named = typeof port === 'string' && !/^\d+$/.test(port) ? container.ports?.find(({ name }) => name === port)?.containerPort : Number(port);
  if (named !== undefined && Number.isInteger(named) && named >= 1 && named <= 65_535) return named;
  if (typeof port === 'string' && /[a-z]/i.test(port)) throw new KmError('invalid', `the container has no port ${JSON.stringify(port)}`);
  throw new KmError('invalid', `invalid port: ${JSON.stringify(port)}`);
}

/** What must not stand in a request line as it is. */
const FORBIDDEN = /[^!-~]|["<>\\^`{|}]/gu;

/**
 * Everything else stays as it was written, dots too. A path with a broken escape is taken literally, query and all, as Go does with one that it cannot parse.
 */
function requestPath(text: string): string {
  const whole = text.toWellFormed();
  const [path = '', ...query] = (whole.split('#', 1)[0] ?? '').split('?');
  const broken = /%(?![0-9a-fA-F]{2})/.test(path);
  const target = broken ? whole.replace(/[%?#]/g, encodeURIComponent) : [path, ...query].join('?');
  const encoded = target.replace(FORBIDDEN, encodeURIComponent);
  return encoded.startsWith('/') ? encoded : `/${encoded}`;
}
