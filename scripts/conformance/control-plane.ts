/** etcd, kube-apiserver, kube-controller-manager and kube-scheduler on the loopback, for one run. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { Authority, tokenKeys, type CertificateFiles, type Subject } from './authority.ts';
import { freePorts } from './free-ports.ts';
import { Program, type Command } from './programs.ts';

export interface ControlPlane extends AsyncDisposable {
  readonly authority: Authority;
  /** Issues a client certificate and writes a kubeconfig with it; its server is at the loopback, by that name if one is given. */
  kubeconfig(name: string, subject: Subject, host?: string): Promise<string>;
}

export interface ControlPlaneOptions {
  readonly bin: string;
  /** For certificates, keys and etcd's data; for our eyes only, and short of life. */
  readonly dir: string;
  readonly logs: string;
  readonly signal: AbortSignal;
}

/**
 * A name of the API server, for whoever makes it mean 127.0.0.1. A client goes to an address of the loopback directly, whatever proxy it was told; by a name it
 * does not.
 */
export const API_NAME = 'kubernetes';

/** Services get their addresses from here; nothing on the machine routes it. */
const SERVICES = '10.10.10.0/24';
const FIRST_SERVICE = '10.10.10.1';
const READY_MS = 120_000;
const ISSUER = 'https://kubernetes.default.svc';

/** Resolves when all four are up and answer. */
export async function startControlPlane({ bin, dir, logs, signal }: ControlPlaneOptions): Promise<ControlPlane> {
  await using started = new AsyncDisposableStack();
  const run = (command: Omit<Command, 'file'>): Program => started.use(new Program({ ...command, file: join(bin, command.name) }, logs));
  const [apiPort = 0, etcdPort = 0, peerPort = 0, managerPort = 0, schedulerPort = 0] = await freePorts(5);
  const pki = join(dir, 'pki');
  mkdirSync(pki, { mode: 0o700 });
  const authority = await Authority.make(pki);
  const kubeconfig = async (name: string, subject: Subject, host = '127.0.0.1'): Promise<string> => {
    const file = join(dir, `${name}.kubeconfig`);
    writeFileSync(file, kubeconfigFor(`https://${host}:${apiPort}`, authority.file, await authority.issue(name, subject)), { mode: 0o600 });
    return file;
  };

  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = run({
    name: 'etcd',
    arguments: [
      ...flags({ name: 'conformance', 'data-dir': join(dir, 'etcd'), 'listen-client-urls': etcdUrl, 'advertise-client-urls': etcdUrl }),
      ...flags({ 'listen-peer-urls': peerUrl, 'initial-advertise-peer-urls': peerUrl, 'initial-cluster': `conformance=${peerUrl}` }),
      ...flags({ logger: 'zap', 'log-level': 'warn', 'unsafe-no-fsync': 'true' }), // it lives for one run only
    ],
  });
  await etcd.until(async () => (await fetch(`${etcdUrl}/health`, { signal: AbortSignal.timeout(2_000) })).ok, READY_MS, signal);

  const tokens = tokenKeys(pki);
  const serving = await authority.issue('kube-apiserver', {
    user: 'kube-apiserver',
    names: ['localhost', API_NAME, 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'],
    addresses: ['127.0.0.1', FIRST_SERVICE],
  });
  const toNodes = await authority.issue('kubelet-client', { user: 'kube-apiserver-kubelet-client', group: 'system:masters' });
  const api = run({
    name: 'kube-apiserver',
    arguments: [
      ...flags({ 'bind-address': '127.0.0.1', 'secure-port': apiPort, 'insecure-port': 0, 'etcd-servers': etcdUrl, 'endpoint-reconciler-type': 'none' }),
      ...flags({ 'tls-cert-file': serving.cert, 'tls-private-key-file': serving.key, 'client-ca-file': authority.file }),
      ...flags({ 'authorization-mode': 'Node,RBAC', 'enable-admission-plugins': 'NodeRestriction', 'allow-privileged': 'true' }),
      ...flags({ 'service-account-issuer': ISSUER, 'api-audiences': ISSUER, 'service-account-signing-key-file': tokens.key, 'service-account-key-file': tokens.pub }),
      ...flags({ 'kubelet-client-certificate': toNodes.cert, 'kubelet-client-key': toNodes.key, 'kubelet-certificate-authority': authority.file }),
      ...flags({ 'kubelet-preferred-address-types': 'InternalIP', 'service-cluster-ip-range': SERVICES, v: 1 }),
      ...flags({ 'feature-gates': 'EphemeralContainers=true' }), // for kubectl debug; alpha in this release
    ],
  });
  const ca = readFileSync(authority.file);
  await api.until(() => isOk(`https://127.0.0.1:${apiPort}/readyz`, ca), READY_MS, signal);

  const manager = run({
    name: 'kube-controller-manager',
    arguments: [
      ...clientFlags(await kubeconfig('kube-controller-manager', { user: 'system:kube-controller-manager' })),
      ...flags({ 'bind-address': '127.0.0.1', 'secure-port': managerPort, port: 0, 'leader-elect': 'false', v: 1 }),
      ...flags({ 'use-service-account-credentials': 'true', 'service-account-private-key-file': tokens.key, 'root-ca-file': authority.file }),
      ...flags({ 'cluster-signing-cert-file': authority.files.cert, 'cluster-signing-key-file': authority.files.key }),
      ...flags({ 'allocate-node-cidrs': 'false', 'service-cluster-ip-range': SERVICES }),
    ],
  });
  const scheduler = run({
    name: 'kube-scheduler',
    arguments: [
      ...clientFlags(await kubeconfig('kube-scheduler', { user: 'system:kube-scheduler' })),
      ...flags({ 'bind-address': '127.0.0.1', 'secure-port': schedulerPort, port: 0, 'leader-elect': 'false', v: 1 }),
    ],
  });
  await Promise.all([
    manager.until(() => isOk(`https://127.0.0.1:${managerPort}/healthz`), READY_MS, signal),
    scheduler.until(() => isOk(`https://127.0.0.1:${schedulerPort}/healthz`), READY_MS, signal),
  ]);

  const all = started.move();
  return { authority, kubeconfig, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function flags(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

function clientFlags(kubeconfig: string): string[] {
  return flags({ kubeconfig, 'authentication-kubeconfig': kubeconfig, 'authorization-kubeconfig': kubeconfig });
}

/** Whether it answers `ok`; without an authority the certificate is taken as it is: the servers of 1.20 make their own. */
function isOk(url: string, ca?: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ...(ca === undefined ? { rejectUnauthorized: false } : { ca }), timeout: 5_000, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on('timeout', () => request.destroy(new Error(`${url} is silent`)));
    request.on('error', reject);
  });
}

/** JSON is YAML. */
function kubeconfigFor(server: string, authority: string, { cert, key }: CertificateFiles): string {
  const named = 'conformance';
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': named,
    clusters: [{ name: named, cluster: { server, 'certificate-authority-data': readFileSync(authority).toString('base64') } }],
    users: [{ name: named, user: { 'client-certificate-data': readFileSync(cert).toString('base64'), 'client-key-data': readFileSync(key).toString('base64') } }],
    contexts: [{ name: named, context: { cluster: named, user: named, namespace: 'default' } }],
  });
}
