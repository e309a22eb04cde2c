import { isIP } from 'node:net';
import { ApiError, badRequest } from './api-error.ts';
import { numberAt, objectAt, objectsAt, textAt } from './json.ts';
import type { KubernetesObject } from './types.ts';

/** `[SCHEME:]NAME[:PORT]`, as a path names what is asked through a proxy. */
export interface ProxiedName {
  readonly name: string;
  /** Empty where none is named. */
  readonly port: string;
  readonly secure: boolean;
}

/** Kubernetes v1.20 apimachinery/pkg/util/net/port_split.go. `kind` is for the words of the 400 that it throws. */
export function proxiedName(kind: string, text: string): ProxiedName {
  const parts = text.split(':');
  const [scheme, name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme ?? '')) throw invalidRequest(kind, text);
  return { name, port, secure: scheme === 'https' };
}

/** The number of a port, `undefined` for an empty one. Throws a 400. */
export function portOf(kind: string, text: string, { port }: ProxiedName): number | undefined {
  if (port === '') return undefined;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) throw invalidRequest(kind, text);
  return Number(port);
}

export interface ProxiedAddress {
  readonly host: string;
  /** Absent: that of the scheme. */
  readonly port?: number;
}

/** A pod's address: `port`, else the first that a container declares. Kubernetes v1.20 pkg/registry/core/pod/strategy.go ResourceLocation. Throws a 400. */
export function podAddress(pod: KubernetesObject, port: number | undefined): ProxiedAddress {
  const host = textAt(objectAt(pod, 'status'), 'podIP');
  if (isIP(host) === 0) throw badRequest('address not allowed');
  const declared = objectsAt(objectAt(pod, 'spec'), 'containers').flatMap((container) => objectsAt(container, 'ports').slice(0, 1))[0];
  const chosen = port ?? (declared === undefined ? undefined : numberAt(declared, 'containerPort'));
  return { host, ...(chosen !== undefined && { port: chosen }) };
}

/**
 * One of a service's endpoints, the port by its name in the service or by its number there. Kubernetes v1.20
 * pkg/registry/core/service/storage/rest.go ResourceLocation. Throws a 503 where there is none.
 */
export function serviceAddress(service: KubernetesObject, endpoints: KubernetesObject, asked: ProxiedName): ProxiedAddress {
  const { name } = service.metadata;
  let portName = asked.port;
  if (/^\d+$/.test(asked.port)) {
    const declared = objectsAt(objectAt(service, 'spec'), 'ports').find((port) => port['port'] === Number(asked.port));
    if (declared === undefined) throw unavailable(`no service port ${asked.port} found for service ${JSON.stringify(name)}`);
    portName = textAt(declared, 'name');
  }
  const found = objectsAt(endpoints, 'subsets').flatMap((subset) => {
    const port = objectsAt(subset, 'ports').find((one) => textAt(one, 'name') === portName);
    return port === undefined ? [] : objectsAt(subset, 'addresses').map((address) => ({ host: textAt(address, 'ip'), port: numberAt(port, 'port') }));
  });
  const chosen = found[Math.floor(Math.random() * found.length)];
  if (chosen === undefined) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

const invalidRequest = (kind: string, text: string): ApiError => badRequest(`invalid ${kind} request ${JSON.stringify(text)}`);

const unavailable = (message: string): ApiError => new ApiError(503, 'ServiceUnavailable', message);
