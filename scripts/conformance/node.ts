/** `km up` as the one node of the cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';
import { Program } from './programs.ts';

export interface NodeOptions {
  readonly controlPlane: ControlPlane;
  /** Where `km up` keeps what it writes. */
  readonly stateDir: string;
  readonly logs: string;
  readonly pauseImage: string;
  /** Of the node's API. */
  readonly port: number;
  readonly signal: AbortSignal;
}

const NAME = 'conformance-node';
const READY_MS = 60_000;

/** Resolves when the node is Ready; disposing of it is Ctrl-C. */
export async function startNode({ controlPlane, stateDir, logs, pauseImage, port, signal }: NodeOptions): Promise<AsyncDisposable> {
  const user = `system:node:${NAME}`;
  const kubeconfig = await controlPlane.kubeconfig('node', { user, group: 'system:nodes' });
  const serving = await controlPlane.authority.issue('node-serving', { user, group: 'system:nodes', names: [NAME], addresses: ['127.0.0.1'] });
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const up = new Program(
    {
      name: 'km-up',
      file: process.execPath,
      arguments: [
        ...[main, 'up', `--kubeconfig=${kubeconfig}`, `--node-name=${NAME}`, '--no-bind', `--state-dir=${stateDir}`, '--'],
        ...[`--address=127.0.0.1`, `--port=${port}`, '--node-ip=127.0.0.1', `--client-ca-file=${controlPlane.authority.file}`],
        ...[`--tls-cert-file=${serving.cert}`, `--tls-private-key-file=${serving.key}`, `--pod-infra-container-image=${pauseImage}`],
      ],
      stopSignal: 'SIGINT',
    },
    logs,
  );
  try {
    await up.until(() => /^export KUBECONFIG=/m.test(readFileSync(up.log, 'utf8')), READY_MS, signal);
  } catch (error) {
    await up.stop();
    throw error;
  }
  return up;
}
