import type { V1Service } from '@kubernetes/client-node';

import type { Json } from './types.ts';

export type Service = Json<V1Service>;

/**
 * Variables that name the services a pod may reach: `kubernetes` of the default namespace always, those of the pod's own namespace
 * when `links`. Kubernetes v1.20 pkg/kubelet/kubelet_pods.go getServiceEnvVarMap, pkg/kubelet/envvars.
 */
export function serviceEnv(services: readonly Service[], namespace: string, links: boolean): Map<string, string> {
  const picked = new Map<string, Service>();
  for (const service of services) {
    const name = service.metadata?.name;
    const ip = service.spec?.clusterIP;
    if (name === undefined || ip === undefined || ip === '' || ip === 'None') continue;
    const own = service.metadata?.namespace ?? 'default';
    const master = own === 'default' && name === 'kubernetes';
    if (master ? !picked.has(name) : own === namespace && links) picked.set(name, service);
  }
  const env = new Map<string, string>();
  for (const [name, service] of [...picked].sort(([a], [b]) => (a < b ? -1 : 1))) addService(env, name, service);
  return env;
}

function addService(env: Map<string, string>, name: string, service: Service): void {
  const prefix = variableName(name);
  const ip = service.spec?.clusterIP ?? '';
  const ports = service.spec?.ports ?? [];
  const first = ports[0];
  if (first === undefined) return;
  env.set(`${prefix}_SERVICE_HOST`, ip);
  env.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const { name: portName, port } of ports) {
    if (portName !== undefined && portName !== '') env.set(`${prefix}_SERVICE_PORT_${variableName(portName)}`, String(port));
  }
  const host = ip.includes(':') ? `[${ip}]` : ip;
  env.set(`${prefix}_PORT`, `${protocolOf(first).toLowerCase()}://${host}:${first.port}`);
  for (const entry of ports) {
    const protocol = protocolOf(entry);
    const one = `${prefix}_PORT_${entry.port}_${protocol.toUpperCase()}`;
    env.set(one, `${protocol.toLowerCase()}://${host}:${entry.port}`);
    env.set(`${one}_PROTO`, protocol.toLowerCase());
    env.set(`${one}_PORT`, String(entry.port));
    env.set(`${one}_ADDR`, ip);
  }
}

function protocolOf(port: { protocol?: string }): string {
  return port.protocol === undefined || port.protocol === '' ? 'TCP' : port.protocol;
}

function variableName(text: string): string {
  return text.replaceAll('-', '_').toUpperCase();
}
