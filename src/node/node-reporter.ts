import type { Clock } from '../base/index.ts';
import type { KubernetesClient } from '../kubernetes/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { NodeFacts } from './node-object.ts';

export interface NodeReporterOptions {
  readonly client: KubernetesClient;
  readonly facts: NodeFacts;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Registers the node and keeps status and lease fresh until `stop`. */
export class NodeReporter {
  constructor(_options: NodeReporterOptions) {}

  start(): void {}

  /** Whether pods can run here; `reason` is shown to the user. Ready until told otherwise. */
  ready(_ok: boolean, _reason?: string): void {}

  /** Says on the node that it is gone, and ends. */
  async stop(): Promise<void> {}
}
