import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { KmError, messageOf, systemClock, type Clock } from '../base/index.ts';
import type { ClusterAccess } from './access.ts';
import { Credentials, type Material } from './credentials.ts';
import { ExecPlugin } from './exec-plugin.ts';

/** The parts of a kubeconfig that we read (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). */
interface Kubeconfig {
  'current-context'?: string;
  contexts?: { name: string; context?: { cluster?: string; user?: string; namespace?: string } }[];
  clusters?: { name: string; cluster?: Cluster }[];
  users?: { name: string; user?: User }[];
}

interface Cluster {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
}

interface User {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  exec?: { apiVersion?: string; command?: string; args?: string[] | null; env?: { name: string; value: string }[] | null };
  'auth-provider'?: unknown;
}

/**
 * Reads a kubeconfig: server, CA, client certificate, token, token file, basic auth, exec plugin. Throws code `invalid` naming the
 * file and what is wrong with it.
 */
export async function loadKubeconfig(path: string, options: { context?: string; clock?: Clock } = {}): Promise<ClusterAccess> {
  const config = parse(path, await read(path));
  const fault = (what: string): KmError => new KmError('invalid', `kubeconfig ${path}: ${what}`);
  const named = <T extends { name: string }>(kind: string, list: readonly T[] | undefined, name: string): T => {
    const entries: readonly (T | null)[] = Array.isArray(list) ? (list as readonly (T | null)[]) : [];
    const found = entries.find((entry) => entry?.name === name);
    if (found === undefined || found === null) throw fault(`no ${kind} "${name}"`);
    return found;
  };
  const contextName = options.context ?? config['current-context'];
  if (contextName === undefined || contextName === '') throw fault('no current-context');
  const context = named('context', config.contexts, contextName).context ?? {};
  const cluster = named('cluster', config.clusters, context.cluster ?? '').cluster ?? {};
  const user = context.user === undefined || context.user === '' ? {} : (named('user', config.users, context.user).user ?? {});

  if (cluster['proxy-url'] !== undefined) throw fault('proxy-url is not supported');
  if (user['auth-provider'] !== undefined) throw fault('auth-provider is not supported, use an exec plugin or a token');
  if (user.exec !== undefined && typeof user.exec.command !== 'string') throw fault('exec: command is required');
  const at = (file: string): string => resolve(dirname(path), file);
  const material = (data: string | undefined, file: string | undefined): Material | undefined => {
    if (data !== undefined && data !== '') return { text: Buffer.from(data, 'base64').toString() };
    return file === undefined || file === '' ? undefined : { file: at(file) };
  };
  const clock = options.clock ?? systemClock;
  const server = serverOf(cluster.server, fault);
  const insecureSkipTlsVerify = cluster['insecure-skip-tls-verify'] === true;
  const token: Material | undefined = user.tokenFile !== undefined && user.tokenFile !== '' ? { file: at(user.tokenFile) } : user.token !== undefined && user.token !== '' ? { text: user.token } : undefined;
  return new Credentials({
    server,
    namespace: context.namespace ?? 'default',
    insecureSkipTlsVerify,
    tlsServerName: cluster['tls-server-name'],
    ca: material(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: material(user['client-certificate-data'], user['client-certificate']),
    key: material(user['client-key-data'], user['client-key']),
    token,
    basic: user.username === undefined ? undefined : { username: user.username, password: user.password ?? '' },
    plugin:
      user.exec?.command === undefined
        ? undefined
        : new ExecPlugin({
            apiVersion: user.exec.apiVersion ?? 'client.authentication.k8s.io/v1',
            // Like kubectl: a command with a slash is a path relative to the kubeconfig, without one it is looked for in PATH.
            command: user.exec.command.includes('/') ? at(user.exec.command) : user.exec.command,
            args: user.exec.args ?? [],
            env: user.exec.env ?? [],
            clock,
          }),
    clock,
  }).check();
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Access with the service account that Kubernetes mounts into a pod. Throws code `invalid` outside of one. */
export async function inClusterAccess(env: Readonly<Record<string, string | undefined>>, options: { folder?: string; clock?: Clock } = {}): Promise<ClusterAccess> {
  const { folder = SERVICE_ACCOUNT, clock = systemClock } = options;
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (!host || !port) throw new KmError('invalid', 'not inside a Kubernetes pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set');
  const namespace = await readFile(`${folder}/namespace`, 'utf8').catch(() => 'default');
  return new Credentials({
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace: namespace.trim(),
    insecureSkipTlsVerify: false,
    ca: { file: `${folder}/ca.crt` },
    token: { file: `${folder}/token` },
    clock,
  }).check();
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new KmError('invalid', `kubeconfig ${path} cannot be read`, { cause: error });
  }
}

function parse(path: string, text: string): Kubeconfig {
  let parsed: unknown;
  try {
    parsed = parseYaml(text);
  } catch (error) {
    // Only the first line: the parser's others quote the file, which may hold secrets.
    throw new KmError('invalid', `kubeconfig ${path} is no YAML: ${messageOf(error).split('\n')[0]}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new KmError('invalid', `kubeconfig ${path}: want a mapping`);
  return parsed;
}

function serverOf(server: unknown, fault: (what: string) => KmError): string {
  const url = typeof server === 'string' && URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw fault('the cluster has no valid server URL');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
