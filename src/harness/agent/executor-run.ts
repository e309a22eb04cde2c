import { systemClock, type Clock } from '../../base/index.ts';
import { silentLogger, type Logger } from '../../telemetry/index.ts';
import type { AgentEmulator } from './agent-emulator.ts';
import { ExecutorProcess, type ProcessExit } from './executor-process.ts';

export interface ExecutorRunOptions {
  readonly agent: AgentEmulator;
  readonly command: readonly string[];
  readonly sandbox: string;
  /** Added to, and stronger than, what the agent gives (`command.environment` of a real ExecutorInfo). */
  readonly environment?: Readonly<Record<string, string>>;
  /** Not subscribed within this: killed. 60,000 ms unless told (agent flag --executor_registration_timeout). */
  readonly registrationTimeoutMs?: number;
  /** Not back within this after the agent has recovered: killed. 2,000 ms unless told (--executor_reregistration_timeout). */
  readonly reregistrationTimeoutMs?: number;
  readonly stdout?: (chunk: Buffer) => void;
  readonly stderr?: (chunk: Buffer) => void;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

export interface ExecutorEnd extends ProcessExit {
  /** Set when the agent ended it by force, with what ran out. */
  readonly destroyedBy?: 'registration-timeout' | 'reregistration-timeout' | 'shutdown-grace';
}

/**
 * One executor under the agent's watch, from its start to its end: the agent gives it a time to subscribe, notices its
 * end and fails its live tasks (REASON_EXECUTOR_TERMINATED, exit code 0 too), and after SHUTDOWN kills it at the end of the grace.
 *
 * Invariant between awaits: `ended` resolves exactly once, after the agent's records of the executor's tasks are final.
 */
export class ExecutorRun {
  readonly process: ExecutorProcess;
  readonly ended: Promise<ExecutorEnd>;
  readonly #options: ExecutorRunOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #release: (() => void)[] = [];
  #destroyedBy: ExecutorEnd['destroyedBy'];
  /** Ends the wait for a subscription. */
  #subscribedInTime: (() => void) | undefined;
  #cancelGrace: (() => void) | undefined;

  private constructor(options: ExecutorRunOptions, child: ExecutorProcess) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.process = child;
    this.ended = child.exited.then((exit) => this.#onExit(exit));
    const { registrationTimeoutMs = 60_000, reregistrationTimeoutMs = 2_000 } = options;
    this.#subscribedInTime = this.#destroyAfter('registration-timeout', registrationTimeoutMs);
    this.#release.push(
      options.agent.onConnection(({ what }) => {
        if (what === 'subscribed' || what === 'down') this.#subscribedInTime?.();
        if (what === 'recovered') this.#subscribedInTime = this.#destroyAfter('reregistration-timeout', reregistrationTimeoutMs);
      }),
      options.agent.onEvent((event) => {
        if (event.type === 'SHUTDOWN') this.#cancelGrace ??= this.#destroyAfter('shutdown-grace', options.agent.shutdownGracePeriodMs);
      }),
    );
  }

  /** Starts the executor below `agent`. Throws code `invalid` when its command cannot be run. */
  static async launch(options: ExecutorRunOptions): Promise<ExecutorRun> {
    const child = await ExecutorProcess.spawn({
      command: options.command,
      sandbox: options.sandbox,
      environment: { ...options.agent.environment(options.sandbox), ...options.environment },
      ...(options.stdout === undefined ? {} : { stdout: options.stdout }),
      ...(options.stderr === undefined ? {} : { stderr: options.stderr }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    });
    return new ExecutorRun(options, child);
  }

  /** Sends SHUTDOWN and resolves with the executor's end, by force if its grace runs out. */
  async shutdown(): Promise<ExecutorEnd> {
    if (this.process.exit === undefined) this.#options.agent.shutdown();
    return this.ended;
  }

  #destroyAfter(reason: NonNullable<ExecutorEnd['destroyedBy']>, ms: number): () => void {
    return this.#clock.after(ms, () => {
      this.#logger.warn('the agent kills the executor', { reason, pid: this.process.pid });
      this.#destroyedBy ??= reason;
      void this.process.destroy();
    });
  }

  async #onExit(exit: ProcessExit): Promise<ExecutorEnd> {
    this.#subscribedInTime?.();
    this.#cancelGrace?.();
    for (const release of this.#release) release();
    await this.process.destroy(); // what the executor started and left behind ends with it
    const reasons = { 'registration-timeout': 'REASON_EXECUTOR_REGISTRATION_TIMEOUT', 'reregistration-timeout': 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT' } as const;
    const by = this.#destroyedBy;
    const reason = by === undefined || by === 'shutdown-grace' ? 'REASON_EXECUTOR_TERMINATED' : reasons[by];
    this.#options.agent.executorEnded(reason, exit);
    return by === undefined ? exit : { ...exit, destroyedBy: by };
  }
}
