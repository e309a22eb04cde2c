import type { ValidPod } from '../pod/index.ts';
import type { Attachment } from './invocation.ts';

/** A sandbox that runs and has no network yet. */
export interface SandboxToAttach {
  readonly sandboxId: string;
  /** A process of it. */
  readonly pid: number;
  readonly pod: ValidPod;
}

/** Gives sandboxes their network, where that is not Docker's. */
export interface PodNetwork {
  /** New sandboxes get their network here; false: only what it has given before is looked after. */
  readonly joins: boolean;
  /** Why no pod can get a network now; undefined when they can. */
  readonly fault: string | undefined;
  /** The range of this node's pods, for plugins that take addresses from it. */
  setPodCidr(cidr: string): void;
  /** The addresses of a sandbox, IPv4 first; none before `attach` has succeeded. */
  addresses(sandboxId: string): readonly string[];
  /**
   * Joins a sandbox to the network and gives its addresses, one at least. What fails leaves nothing behind. Throws code `internal` with the plugin's words,
   * `unavailable` while there is a `fault`, `invalid` for what the pod asks.
   */
  attach(sandbox: SandboxToAttach, signal: AbortSignal): Promise<readonly string[]>;
  /** Gives back what a sandbox has, whether it runs or not; nothing to do is success. Throws code `internal`: it is to be tried again. */
  detach(sandboxId: string): Promise<void>;
  /** The same for all sandboxes of a pod. */
  release(uid: string): Promise<void>;
  /** All that have something to give back. */
  sandboxes(): readonly Attachment[];
  stop(): Promise<void>;
}
