import { appendFileSync, readFileSync } from 'node:fs';
import type { Step } from './script.ts';

export interface ProcessOptions {
  readonly steps: readonly Step[];
  /** Path on this machine of a path in the container; `undefined` where it is only the container's own. */
  readonly hostPath: (path: string) => string | undefined;
  readonly say: (text: string, to: 'stdout' | 'stderr') => void;
  /** Once, with the exit code. */
  readonly onEnd: (code: number) => void;
}

/**
 * Runs the steps of a script as process 1 of a container does: SIGTERM without a trap is ignored, and one that comes in the middle of
 * a command waits for its end.
 */
export class ScriptedProcess {
  readonly #options: ProcessOptions;
  #at = 0;
  #timer: NodeJS.Timeout | undefined;
  #trap: { readonly exit: number | undefined } | undefined;
  #termWaits = false;
  #light = false;
  #ended = false;

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  run(): void {
    this.#timer = undefined;
    while (!this.#ended) {
      if (this.#termWaits && this.#trap?.exit !== undefined) return this.#end(this.#trap.exit);
      const step = this.#options.steps[this.#at++];
      if (step === undefined) return this.#end(0);
      if (step.do === 'sleep') {
        this.#light = step.light;
        this.#timer = setTimeout(() => this.run(), Math.min(step.ms, 2 ** 31 - 1)).unref();
        return;
      }
      this.#do(step);
    }
  }

  signal(name: string): void {
    if (this.#ended) return;
    if (name === 'SIGKILL') return this.#end(137);
    if (name !== 'SIGTERM' || this.#trap?.exit === undefined) return;
    this.#termWaits = true;
    if (this.#timer !== undefined && this.#light) this.#end(this.#trap.exit);
  }

  #do(step: Exclude<Step, { do: 'sleep' }>): void {
    const { say, hostPath } = this.#options;
    switch (step.do) {
      case 'exit':
        return this.#end(step.code);
      case 'trap':
        this.#trap = { exit: step.exit };
        return;
      case 'say': {
        if (step.to === 'stdout' || step.to === 'stderr') return say(`${step.text}\n`, step.to);
        const path = hostPath(step.to);
        if (path !== undefined) unlessDiskFails(() => appendFileSync(path, `${step.text}\n`));
        return;
      }
      case 'once': {
        const path = hostPath(step.path);
        if (path !== undefined && unlessDiskFails(() => readFileSync(path, 'utf8'))?.split('\n').length !== 2) this.#end(99);
      }
    }
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.onEnd(code);
  }
}

/** A shell whose command cannot read or write (a full disk, a folder that is gone) says so and goes on. */
function unlessDiskFails<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
}
