import type { Clock } from '../base/index.ts';
import type { Pod, PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';

export interface PodSourceOptions {
  readonly client: KubernetesClient;
  readonly nodeName: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** A pod bound to our node is new or has changed. Called again, unchanged, after a fresh list. */
  readonly onPod: (pod: Pod) => void;
  /** The API positively has no such pod any more: it said DELETED, or 404, or has another UID under that name. */
  readonly onDeleted: (pod: PodIdentity, why: 'deleted' | 'other-uid') => void;
  /** The first list has been told through `onPod`. Called once. */
  readonly onSynced?: () => void;
}

/** The pods that the API binds to one node. */
export class PodSource {
  readonly options: PodSourceOptions;

  constructor(options: PodSourceOptions) {
    this.options = options;
  }

  start(): void {}

  /** True once a list has succeeded. */
  get synced(): boolean {
    return false;
  }

  /** The newest that the API told of this pod. */
  get(_uid: string): Pod | undefined {
    return undefined;
  }

  /**
   * Counts a pod as seen in the API although this process has not seen it (a restarted executor that adopts its pods): if the next list
   * lacks it and a GET confirms it, `onDeleted` is called.
   */
  expect(_pod: PodIdentity): void {}

  /** Forget a pod: nothing is told of its deletion any more. */
  forget(_uid: string): void {}

  async stop(): Promise<void> {}
}
