import type { V1Service } from '@kubernetes/client-node';

import type { Container, Json, ValidPod } from './types.ts';

export type Service = Json<V1Service>;

/** What the node knows that a container's environment may refer to. */
export interface EnvironmentGiven {
  readonly podIP?: string;
  readonly podIPs?: readonly string[];
  readonly hostIP?: string;
  readonly nodeName?: string;
  /** For `resourceFieldRef` to a limit that is not set. */
  readonly nodeAllocatable?: { readonly cpuMilli: bigint; readonly memoryBytes: bigint };
  /** All services the node knows; the ones that concern the pod are picked here. */
  readonly services?: readonly Service[];
}

/** `NAME=value` lines for Docker; `skipped` are the names no container can have (event InvalidEnvironmentVariableNames). */
export function containerEnv(_pod: ValidPod, _container: Container, _given: EnvironmentGiven): { env: string[]; skipped: string[] } {
  throw new Error('unwritten');
}

/** Replaces `$(NAME)` by its value where there is one; `$$` is a `$`. */
export function expand(_text: string, _env: ReadonlyMap<string, string>): string {
  throw new Error('unwritten');
}

/** command and args with `$(VAR)` expanded from `env` (the lines of `containerEnv`); absent stays absent. */
export function containerCommand(_container: Container, _env: readonly string[]): { command?: string[]; args?: string[] } {
  throw new Error('unwritten');
}

/** `subPath`, or `subPathExpr` expanded. Throws KmError `workload` when a name in it is unknown or it leaves the volume. */
export function volumeSubPath(_mount: { subPath?: string; subPathExpr?: string }, _env: readonly string[]): string | undefined {
  throw new Error('unwritten');
}
