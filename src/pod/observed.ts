/**
 * What Docker says is true of one container of ours, in the words of the decisions. Times are milliseconds since the epoch.
 *
 * `created` has never run and not failed either; `exited` has ended, or could never be started (then `startedAt` is absent and
 * `error` tells why); `unknown` means that an inspect failed and nothing older is known.
 */
export interface ObservedContainer {
  readonly id: string;
  readonly kind: 'sandbox' | 'container';
  /** The container's name in the pod spec; `POD` for a sandbox. */
  readonly name: string;
  /** 0 for the first container of that name, one more for each later one: the restart count. */
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  /** Image as the pod names it. */
  readonly image: string;
  /** `docker-pullable://name@sha256:...` or `docker://sha256:...`, as the kubelet reports it. */
  readonly imageId: string;
  /** Hash of the container's spec when it was created (label), see `containerHash`. */
  readonly hash: string;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** Docker's own words on why it could not start. */
  readonly error?: string;
  /** What the container left as its termination message, already cut to size. */
  readonly terminationMessage?: string;
  /** Sandbox only: its addresses in the pod network, IPv4 first; absent without one and with the host's network. */
  readonly ips?: readonly string[];
  /** Sandbox only: whether it joined the host's network. */
  readonly hostNetwork?: boolean;
  /** Id of the sandbox whose namespaces it joined; absent on sandboxes. */
  readonly sandboxId?: string;
}

/** All containers of one pod, each list newest first (highest attempt, then latest creation). */
export interface ObservedPod {
  readonly uid: string;
  readonly sandboxes: readonly ObservedContainer[];
  readonly containers: readonly ObservedContainer[];
}

/** What probes have found out, by container id. Absent: no result yet. */
export interface ProbeResults {
  readonly readiness: ReadonlyMap<string, boolean>;
  readonly liveness: ReadonlyMap<string, boolean>;
  readonly startup: ReadonlyMap<string, boolean>;
}

/** Why a container is not running although it should be: what goes into `state.waiting`. */
export interface WaitingReason {
  readonly reason: string;
  readonly message?: string;
}
