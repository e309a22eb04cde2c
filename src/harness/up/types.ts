import type { KubernetesClient } from '../../kubernetes/index.ts';
import type { Pod } from '../../pod/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { AgentEmulator } from '../agent/index.ts';
import type { EmbeddedApi } from '../kubernetes-api/index.ts';

export interface ClusterOptions {
  /** Folder for everything that the cluster writes (kubeconfig, executor's root directory and log); made when missing. */
  readonly stateDir: string;
  /** Kubeconfig of a real API server. Without it the embedded API is started. */
  readonly kubeconfig?: string;
  /** Where the kubeconfig for kubectl goes; `<stateDir>/kubeconfig` unless told. Not written when `kubeconfig` is given. */
  readonly kubeconfigOut?: string;
  /** Name of the one node; the host's name unless told. */
  readonly nodeName?: string;
  /** Port of the embedded API; a free one unless told. */
  readonly port?: number;
  /** Whether pods that nobody bound are bound to the node; true unless told, as there is no scheduler. */
  readonly bind?: boolean;
  /** YAML or JSON texts whose objects are created (or, where they exist, left alone) once the node is there. */
  readonly manifests?: readonly string[];
  /** More flags for the executor. */
  readonly executorArguments?: readonly string[];
  /** `MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD`, milliseconds; 5,000 unless told. */
  readonly shutdownGracePeriodMs?: number;
  /** Told what happens, as it happens. */
  readonly onEvent?: (event: ClusterEvent) => void;
  readonly logger?: Logger;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** What a spectator of the cluster may want to know. Times are wall clock, milliseconds since the epoch. */
export type ClusterEvent =
  | { readonly kind: 'task'; readonly at: number; readonly taskId: string; readonly pod: string; readonly state: string; readonly reason?: string; readonly message?: string }
  | { readonly kind: 'pod'; readonly at: number; readonly pod: string; readonly change: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly summary: string }
  | { readonly kind: 'executor'; readonly at: number; readonly message: string };

/** How the executor ended when nobody had asked it to. */
export interface ExecutorExit {
  /** In words: `exit code 1`, `signal SIGKILL`. */
  readonly how: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it wrote. */
  readonly log: string;
}

/** A running one-machine cluster. `stop` (or leaving an `await using`) takes all of it back. */
export interface Cluster extends AsyncDisposable {
  readonly nodeName: string;
  readonly kubeconfigPath: string;
  /** For the API that the cluster uses, as its administrator. */
  readonly client: KubernetesClient;
  readonly agent: AgentEmulator;
  /** Absent with a real API server. */
  readonly api: EmbeddedApi | undefined;
  /** Process that the agent launched. */
  readonly executorPid: number;
  /** File with everything that the executor wrote. */
  readonly executorLog: string;
  /** Resolves when the executor ends though nobody stopped the cluster. */
  readonly executorExit: Promise<ExecutorExit>;
  /** The Mesos task that runs a pod. */
  taskIdOf(pod: Pod): string;
  /** SHUTDOWN to the executor, waits for it, then removes what is left of its containers. Calling it again waits for the same end. */
  stop(): Promise<void>;
}
