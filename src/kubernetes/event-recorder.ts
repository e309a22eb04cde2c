import type { Clock } from '../base/index.ts';
import type { PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';

/** What an event is about. */
export type EventSubject = PodIdentity | { readonly node: string };

export type EventType = 'Normal' | 'Warning';

/** v1 Events as the kubelet writes them. `event` never blocks and never throws. */
export class EventRecorder {
  constructor(_options: { client: KubernetesClient; host: string; logger: Logger; clock?: Clock }) {}

  /** `fieldPath` e.g. `spec.containers{nginx}`. */
  event(_subject: EventSubject, _type: EventType, _reason: string, _message: string, _options?: { fieldPath?: string }): void {}

  /** Resolves when all events are written or dropped, or after `timeoutMs`. */
  async flush(_timeoutMs: number): Promise<void> {}

  /** Drops what waits and ends what is under way. */
  async stop(): Promise<void> {}
}
