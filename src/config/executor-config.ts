import type { Command } from 'commander';
import { KmError } from '../base/index.ts';

/** The executor's settings. Times in milliseconds, sizes in bytes. */
export interface ExecutorConfig {
  /** Path of a kubeconfig; absent: no Kubernetes API. */
  readonly kubeconfig?: string;
  readonly rootDir: string;
  readonly podLogsDir: string;
  /** Name of our Node; absent: the host's name. */
  readonly hostnameOverride?: string;
  readonly nodeIp?: string;
  readonly podInfraContainerImage: string;
  /** `unix:///path` or `tcp://host:port`. */
  readonly dockerEndpoint: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain?: string;
  readonly resolvConf: string;
  readonly imagePullProgressDeadlineMs: number;
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  readonly maxPods: number;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly registerNode: boolean;
  readonly nodeStatusUpdateFrequencyMs: number;
  readonly kubeApiQps: number;
  readonly kubeApiBurst: number;
  /** A task that does not run this long after its launch has failed. */
  readonly launchGracePeriodMs: number;
  /** Encoding of the Executor HTTP API. */
  readonly contentType: 'protobuf' | 'json';
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'text' | 'json';
}

/** Adds the executor's flags to a command. */
export function addExecutorFlags(_command: Command): void {}

/** The configuration, from the command's options, the environment and the file of `--config`. Throws code `invalid` naming every fault. */
export function executorConfig(_options: Readonly<Record<string, unknown>>, _env: Readonly<Record<string, string | undefined>>): ExecutorConfig {
  throw new KmError('internal', 'not there yet');
}
