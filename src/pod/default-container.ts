import type { Container, EnvVar, Handler, Probe } from './types.ts';

const TERMINATION_MESSAGE_PATH = '/dev/termination-log';

/** A container with its defaults; with the host's network its ports are the host's. Kubernetes v1.20 pkg/apis/core/v1/defaults.go. */
export function defaultContainer(container: Container, hostNetwork: boolean): Container {
  const { resources } = container;
  return {
    ...container,
    imagePullPolicy: orElse(container.imagePullPolicy, isLatest(container.image ?? '') ? 'Always' : 'IfNotPresent'),
    terminationMessagePath: orElse(container.terminationMessagePath, TERMINATION_MESSAGE_PATH),
    terminationMessagePolicy: orElse(container.terminationMessagePolicy, 'File'),
    resources: resources?.limits === undefined ? (resources ?? {}) : { ...resources, requests: { ...resources.limits, ...resources.requests } },
    ...(container.ports === undefined ? {} : { ports: container.ports.map((port) => defaultPort(port, hostNetwork)) }),
    ...(container.env === undefined ? {} : { env: container.env.map(defaultEnv) }),
    ...(container.livenessProbe === undefined ? {} : { livenessProbe: defaultProbe(container.livenessProbe) }),
    ...(container.readinessProbe === undefined ? {} : { readinessProbe: defaultProbe(container.readinessProbe) }),
    ...(container.startupProbe === undefined ? {} : { startupProbe: defaultProbe(container.startupProbe) }),
    ...(container.lifecycle === undefined ? {} : { lifecycle: defaultLifecycle(container.lifecycle) }),
  };
}

type Port = NonNullable<Container['ports']>[number];

function defaultPort(port: Port, hostNetwork: boolean): Port {
  const hostPort = hostNetwork && (port.hostPort ?? 0) === 0 ? port.containerPort : port.hostPort;
  return { ...port, protocol: orElse(port.protocol, 'TCP'), ...(hostPort === undefined ? {} : { hostPort }) };
}

function defaultEnv(variable: EnvVar): EnvVar {
  const { valueFrom } = variable;
  if (valueFrom?.fieldRef === undefined) return variable;
  const { fieldRef } = valueFrom;
  return { ...variable, valueFrom: { ...valueFrom, fieldRef: { ...fieldRef, apiVersion: orElse(fieldRef.apiVersion, 'v1') } } };
}

function defaultProbe(probe: Probe): Probe {
  return {
    ...probe,
    ...defaultHandler(probe),
    ...(probe.grpc === undefined ? {} : { grpc: { ...probe.grpc, service: probe.grpc.service ?? '' } }),
    timeoutSeconds: nonZero(probe.timeoutSeconds, 1),
    periodSeconds: nonZero(probe.periodSeconds, 10),
    successThreshold: nonZero(probe.successThreshold, 1),
    failureThreshold: nonZero(probe.failureThreshold, 3),
  };
}

type Lifecycle = NonNullable<Container['lifecycle']>;

function defaultLifecycle(lifecycle: Lifecycle): Lifecycle {
  return {
    ...(lifecycle.postStart === undefined ? {} : { postStart: defaultHandler(lifecycle.postStart) }),
    ...(lifecycle.preStop === undefined ? {} : { preStop: defaultHandler(lifecycle.preStop) }),
  };
}

function defaultHandler<H extends Pick<Handler, 'httpGet'>>(handler: H): H {
  const { httpGet } = handler;
  if (httpGet === undefined) return handler;
  return { ...handler, httpGet: { ...httpGet, path: orElse(httpGet.path, '/'), scheme: orElse(httpGet.scheme, 'HTTP') } };
}

/** No tag and no digest means `latest` (Kubernetes v1.20 pkg/util/parsers). */
function isLatest(image: string): boolean {
  const [name = '', digest] = image.split('@');
  const tag = /:([^:/]+)$/.exec(name)?.[1];
  return tag === 'latest' || (tag === undefined && digest === undefined);
}

function orElse(text: string | undefined, otherwise: string): string {
  return text === undefined || text === '' ? otherwise : text;
}

function nonZero(value: number | undefined, otherwise: number): number {
  return value === undefined || value === 0 ? otherwise : value;
}
