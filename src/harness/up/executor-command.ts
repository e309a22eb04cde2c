import { join } from 'node:path';

/** Variables of ours that the executor needs to find the same Docker Engine and registries as we; nothing else of our environment is handed on. */
const HANDED_ON = ['DOCKER_HOST', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH', 'DOCKER_CONFIG', 'HOME'];

export interface ExecutorCommandOptions {
  readonly kubeconfig: string;
  readonly rootDir: string;
  readonly podLogsDir: string;
  readonly nodeName: string;
  /** More flags, after ours. */
  readonly more: readonly string[];
}

/** The command line of an executor that runs from these sources, with the Node that runs us. */
export function executorCommand(options: ExecutorCommandOptions): string[] {
  return [
    process.execPath,
    join(import.meta.dirname, '../../cli/main.ts'),
    'executor',
    `--kubeconfig=${options.kubeconfig}`,
    `--root-dir=${options.rootDir}`,
    `--pod-logs-dir=${options.podLogsDir}`,
    `--hostname-override=${options.nodeName}`,
    '--port=0', // a kubelet may have the usual ones
    '--healthz-port=0',
    '--suicide-timeout=0s',
    '--offline-images', // a laptop may have no registry to ask, and what it has will do
    ...options.more,
  ];
}

/** What a framework would put into `ExecutorInfo.command.environment`. */
export function executorExtraEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(HANDED_ON.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}
