import type { Container, ContainerMount, ContainerResources, ValidPod } from '../pod/index.ts';

/** Whose container it is, on the Mesos side. */
export interface Owner {
  readonly taskId: string;
  readonly frameworkId: string;
  readonly executorId: string;
}

export interface SandboxInput {
  readonly pod: ValidPod;
  readonly attempt: number;
  readonly owner: Owner;
  /** The pause image, as given to the Engine. */
  readonly image: string;
  /** What `uname -n` says inside, at most 64 characters; ignored with `hostNetwork`. */
  readonly hostname: string;
  /** Docker gives it no network: somebody else will. Nothing changes with `hostNetwork`. */
  readonly withoutNetwork?: boolean;
  /** What resolv.conf shall hold; absent leaves Docker's own. */
  readonly dns?: { readonly nameservers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
  /** `SANDBOX_OOM_SCORE_ADJ`, clamped to what the host allows. */
  readonly oomScoreAdj: number;
}

/** Everything about one container that its spec alone does not tell. */
export interface ContainerInput {
  readonly pod: ValidPod;
  readonly container: Container;
  readonly attempt: number;
  readonly owner: Owner;
  readonly sandboxId: string;
  /** Id of a container whose process namespace it joins. */
  readonly pidTarget?: string;
  /** The image: what to create from (its id), its own user, its name and id as the status reports them. */
  readonly image: { readonly from: string; readonly user?: string; readonly name: string; readonly statusId: string };
  /** Expanded; absent leaves the image's entrypoint. */
  readonly command?: readonly string[];
  /** Expanded; absent leaves the image's arguments (when `command` is absent too). */
  readonly args?: readonly string[];
  /** `NAME=value`, in the order in which the container sees them. */
  readonly env: readonly string[];
  readonly mounts: readonly ContainerMount[];
  /** Beside those of the pod's security context: of its volumes. */
  readonly groups?: readonly number[];
  /** Content of the seccomp profile of the node that the container names; absent when it names none. */
  readonly seccomp?: string;
  readonly resources: ContainerResources;
  /** Already clamped to what the host allows. */
  readonly oomScoreAdj: number;
  readonly hash: string;
  readonly hashVersion: string;
  /** Where the log's symbolic link goes: `/var/log/pods/<ns>_<name>_<uid>/<container>/<attempt>.log`. */
  readonly logPath: string;
  /** The termination message file on the node; it is read from there after the container's end, also after a restart of ours. */
  readonly terminationMessageFile: string;
  /** When its log is rotated, and how many files are kept. */
  readonly logLimit: { readonly maxBytes: number; readonly maxFiles: number };
}
