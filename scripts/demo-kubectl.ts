/**
 * What a person would type, by `kubectl` where it is on PATH, else by the same requests to the API. Texts are for people.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { isCode } from '../src/base/index.ts';
import { KubernetesClient, loadKubeconfig, podResource, pods } from '../src/kubernetes/index.ts';
import type { Pod } from '../src/pod/index.ts';
import { silentLogger } from '../src/telemetry/index.ts';

export interface PodCommands {
  readonly kubectl: boolean;
  create(file: string): Promise<string>;
  /** Resolves when the pod is Ready. */
  waitUntilReady(name: string): Promise<void>;
  list(): Promise<string>;
  get(name: string): Promise<Pod>;
  /** The events of `kubectl describe`. */
  describeEvents(name: string): Promise<string>;
  /** Resolves when the pod is gone. */
  delete(name: string): Promise<string>;
  close(): Promise<void>;
}

export async function podCommands(kubeconfig: string, cacheDir: string): Promise<PodCommands> {
  const found = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;
  return found ? byKubectl(kubeconfig, cacheDir) : byApi(kubeconfig);
}

function byKubectl(kubeconfig: string, cacheDir: string): PodCommands {
  const kubectl = (...args: string[]): string => {
    const done = spawnSync('kubectl', [`--kubeconfig=${kubeconfig}`, `--cache-dir=${cacheDir}`, ...args], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`kubectl ${args.join(' ')} failed: ${done.stderr}${done.stdout}`);
    return done.stdout.trimEnd();
  };
  return {
    kubectl: true,
    create: async (file) => kubectl('create', '-f', file),
    waitUntilReady: async (name) => void kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s'),
    list: async () => kubectl('get', 'pods'),
    get: async (name) => JSON.parse(kubectl('get', 'pod', name, '-o', 'json')) as Pod,
    describeEvents: async (name) => kubectl('describe', 'pod', name).replace(/^[^]*\nEvents:/, '').replace(/^\n/, ''),
    delete: async (name) => kubectl('delete', 'pod', name),
    close: async () => undefined,
  };
}

interface ApiEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

async function byApi(kubeconfig: string): Promise<PodCommands> {
  const client = new KubernetesClient({ access: await loadKubeconfig(kubeconfig), logger: silentLogger });
  const namespace = 'default';
  const get = (name: string): Promise<Pod> => client.get<Pod>(podResource({ namespace, name }));
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 60_000; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 50))) {
      if (Date.now() > end) throw new Error(`the pod was not ${what} within 60 s`);
    }
  };
  return {
    kubectl: false,
    create: async (file) => {
      const pod = await client.create<Pod>(pods(namespace), parse(readFileSync(file, 'utf8')) as Pod);
      return `pod/${pod.metadata?.name} created`;
    },
    waitUntilReady: (name) =>
      until('Ready', async () => (await get(name)).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false),
    list: async () => {
      const { items } = await client.list<Pod>(pods(namespace));
      return table(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'], items.map((pod) => {
        const statuses = pod.status?.containerStatuses ?? [];
        const ready = `${statuses.filter((status) => status.ready).length}/${pod.spec?.containers.length ?? 0}`;
        const age = Math.round((Date.now() - Date.parse(pod.metadata?.creationTimestamp ?? '')) / 1000);
        return [pod.metadata?.name ?? '', ready, pod.status?.phase ?? '', String(statuses[0]?.restartCount ?? 0), `${age}s`];
      }));
    },
    get,
    describeEvents: async (name) => {
      const { items } = await client.list<ApiEvent>({ apiVersion: 'v1', resource: 'events', namespace }, { fieldSelector: `involvedObject.name=${name}` });
      return table(['Type', 'Reason', 'Message'], items.map(({ type, reason, message }) => [type, reason, message]));
    },
    delete: async (name) => {
      await client.delete(podResource({ namespace, name }));
      await until('gone', () => get(name).then(() => false, (error: unknown) => {
        if (isCode(error, 'not-found')) return true;
        throw error;
      }));
      return `pod "${name}" deleted`;
    },
    close: () => client.close(),
  };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('').trimEnd()).join('\n');
}
