/** Where `kubectl exec` is measured: in a pod of a `km up` of our own, or of any cluster whose node runs on this machine's Engine. */
import { execFileSync } from 'node:child_process';
import type { Pod } from '../src/pod/index.ts';
import { BenchCluster, shellPod } from './bench-cluster.ts';
import { totals } from './processes.ts';

export interface ExecTarget extends AsyncDisposable {
  readonly pod: string;
  /** Docker's id of the pod's container. */
  readonly containerId: string;
  readonly kubeconfig: string;
  /** Processor seconds that servers of ours have used until now, by name. */
  readonly cpuSeconds: () => Readonly<Record<string, number>>;
}

const pod = 'bench-exec';
const spec = shellPod(pod, 'sleep 100000');

export async function ownCluster(): Promise<ExecTarget> {
  const pods = await BenchCluster.start();
  await pods.create(pod, spec);
  await pods.running(pod);
  return {
    pod,
    containerId: containerOf(pods.get(pod)),
    kubeconfig: pods.cluster.kubeconfigPath,
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage(); // the embedded API is in this process
      return { API: (user + system) / 1e6, executor: totals(pods.cluster.executorPid).cpuSeconds };
    },
    [Symbol.asyncDispose]: () => pods[Symbol.asyncDispose](),
  };
}

export function clusterOf(kubeconfig: string, kubectl: string): ExecTarget {
  const run = (...words: string[]): string => execFileSync(kubectl, [`--kubeconfig=${kubeconfig}`, ...words], { encoding: 'utf8', input: JSON.stringify(spec) });
  run('create', '-f', '-');
  try {
    run('wait', `pod/${pod}`, '--for=condition=Ready', '--timeout=120s');
    const containerId = containerOf(JSON.parse(run('get', 'pod', pod, '-o', 'json')) as Pod);
    return { pod, containerId, kubeconfig, cpuSeconds: () => ({}), [Symbol.asyncDispose]: () => Promise.resolve(void run('delete', 'pod', pod, '--wait=false')) };
  } catch (error) {
    run('delete', 'pod', pod, '--wait=false');
    throw error;
  }
}

function containerOf(made: Pod | undefined): string {
  return (made?.status?.containerStatuses?.[0]?.containerID ?? '').replace('docker://', '');
}
