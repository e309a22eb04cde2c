import { isTerminal, type AgentEmulator } from '../agent/index.ts';
import type { Gate } from './plan.ts';

/** When the live executor reached what a plan's gates ask for; wall clock, milliseconds since the epoch. */
export class Progress {
  #subscribedAt: number | undefined;
  readonly #tasks = new Map<string, { any?: number; running?: number; terminal?: number }>();
  readonly #release: (() => void)[];

  constructor(agent: AgentEmulator) {
    this.#release = [
      agent.onConnection(({ what, at }) => {
        if (what === 'subscribed') this.#subscribedAt = at;
        // Only a subscription to the agent's next life counts from here; a stream that breaks by itself changes no distance.
        if (what === 'down') this.#subscribedAt = undefined;
      }),
      agent.onUpdate(({ status, state, at }) => {
        const task = this.#tasks.get(status.task_id.value) ?? {};
        task.any ??= at;
        if (state === 'TASK_RUNNING' || isTerminal(state)) task.running ??= at;
        if (isTerminal(state)) task.terminal ??= at;
        this.#tasks.set(status.task_id.value, task);
      }),
    ];
  }

  /** When a gate opened; undefined while it is closed. */
  opened(gate: Gate): number | undefined {
    return gate.kind === 'subscribed' ? this.#subscribedAt : this.#tasks.get(gate.taskId)?.[gate.reached];
  }

  close(): void {
    for (const release of this.#release) release();
  }
}

/** A gate in words, as something that has not happened. */
export function closedGate(gate: Gate): string {
  if (gate.kind === 'subscribed') return 'the executor did not subscribe';
  const what = { any: 'said nothing about', running: 'did not report TASK_RUNNING of', terminal: 'reported no end of' }[gate.reached];
  return `the executor ${what} ${gate.taskId}`;
}
