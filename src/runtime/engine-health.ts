import { type Clock, KmError, messageOf, RepeatingTask, TimeLimit } from '../base/index.ts';
import type { Engine } from '../docker/index.ts';
import type { Logger } from '../telemetry/index.ts';

/**
 * How often the Engine is asked whether it answers, and how long that may take, milliseconds: an Engine that hangs is noticed after 30 s (Kubernetes v1.20
 * pkg/kubelet/kubelet.go maxWaitForContainerRuntime).
 */
const ASK_EVERY_MS = 10_000;
const ANSWER_MS = 20_000;

/** What an Engine that is well does: it answers at all, and it tells what containers there are. */
type Sign = 'answers' | 'lists';

export interface EngineHealthOptions {
  readonly engine: Pick<Engine, 'ping'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told when it changes. */
  readonly onHealth: (ok: boolean) => void;
}

/** Whether the Engine is well. An event stream that is silent tells nothing: nothing may happen for hours. */
export class EngineHealth {
  readonly #options: EngineHealthOptions;
  readonly #missing = new Set<Sign>();
  readonly #asking: RepeatingTask;

  constructor(options: EngineHealthOptions) {
    const { clock, logger } = options;
    this.#options = options;
    this.#asking = new RepeatingTask({
      clock,
      intervalMs: ASK_EVERY_MS,
      run: (signal) => this.#ask(signal),
      onError: (error) => {
        if (!this.#missing.has('answers')) logger.warn('the Docker Engine does not answer', { error: messageOf(error) });
        this.seen('answers', false);
      },
    });
  }

  start(): void {
    this.#asking.start();
  }

  stop(): Promise<void> {
    return this.#asking.stop();
  }

  /** It shows that sign, or does not any more. */
  seen(sign: Sign, ok: boolean): void {
    const before = this.#missing.size;
    if (ok) this.#missing.delete(sign);
    else this.#missing.add(sign);
    if ((before === 0) !== (this.#missing.size === 0)) this.#options.onHealth(ok);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { engine, clock } = this.#options;
    using limit = new TimeLimit({ clock, ms: ANSWER_MS, sources: [signal], late: () => new KmError('timeout', `no answer within ${ANSWER_MS / 1000} s`) });
    await engine.ping(limit.signal);
    this.seen('answers', true);
  }
}
