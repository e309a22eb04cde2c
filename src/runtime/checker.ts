import type { Clock } from '../base/index.ts';
import type { Engine } from '../docker/index.ts';
import type { ObservedContainer, ValidPod } from '../pod/index.ts';
import { type CheckStatus, emptyCheckStatus, type TaskCheck } from '../status/index.ts';
import { checkOnce } from './check-once.ts';

export interface CheckerOptions {
  readonly clock: Clock;
  readonly engine: Pick<Engine, 'exec'>;
  readonly check: TaskCheck;
  /** What an earlier process has told: it holds until there is another result. */
  readonly told: CheckStatus | undefined;
  readonly onChanged: () => void;
}

/** Between two checks there is this much, milliseconds, whatever the framework wants. */
const LEAST_INTERVAL_MS = 100;

/** The general check of a task, made in its pod's first container while that runs: one at a time. No result ends anything. */
export class Checker {
  readonly #options: CheckerOptions;
  #running: { readonly id: string; readonly stop: AbortController } | undefined;
  #status: CheckStatus;

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#status = options.told ?? emptyCheckStatus(options.check.type);
  }

  get status(): CheckStatus {
    return this.#status;
  }

  /** Follows the container: begins with one that has come, ends with one that has gone. */
  update({ spec }: ValidPod, containers: readonly ObservedContainer[], podIP: string | undefined): void {
    const name = spec.containers[0]?.name;
    const container = containers.find((one) => one.name === name && one.state === 'running');
    if (this.#running?.id === container?.id) return;
    this.stop();
    // A program in the host's network may listen on the loopback address only.
    const host = spec.hostNetwork === true ? '127.0.0.1' : podIP;
    if (container !== undefined && host !== undefined) this.#begin(container, host);
  }

  stop(): void {
    this.#running?.stop.abort();
    this.#running = undefined;
  }

  #begin({ id, startedAt }: ObservedContainer, host: string): void {
    const { clock, engine, check, onChanged } = this.#options;
    const stop = new AbortController();
    this.#running = { id, stop };
    const once = async (): Promise<void> => {
      const status = await checkOnce(check, { engine, containerId: id, host, signal: stop.signal });
      if (stop.signal.aborted) return;
      after(Math.max(LEAST_INTERVAL_MS, check.intervalMs));
      if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
      this.#status = status;
      onChanged();
    };
    let cancel = (): void => undefined;
    const after = (ms: number): void => {
      cancel = clock.after(ms, () => void once());
    };
    stop.signal.addEventListener('abort', () => cancel(), { once: true });
    after(Math.max(0, check.delayMs - Math.max(0, clock.now() - (startedAt ?? clock.now())))); // the clock may have been set back
  }
}
