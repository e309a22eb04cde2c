import { isCode, sleep, type Clock } from '../../base/index.ts';
import type { AgentEmulator } from '../agent/index.ts';
import type { Plan, Step } from './plan.ts';
import { closedGate, Progress } from './progress.ts';

export interface PlayOptions {
  readonly clock: Clock;
  /** How long a step waits for the executor, milliseconds. */
  readonly timeoutMs: number;
  /** Aborts when the executor has ended, or the user. */
  readonly signal: AbortSignal;
}

/**
 * Plays the agent's side of a recording: the steps in their order, each when its gates are open and the recorded distances
 * from them and from the step before have passed. Resolves with why it stopped early, if it did. Throws code `aborted`.
 */
export async function play(plan: Plan, agent: AgentEmulator, options: PlayOptions): Promise<string | undefined> {
  const { clock, timeoutMs, signal } = options;
  const progress = new Progress(agent);
  let before: number | undefined;
  try {
    for (const step of plan.steps) {
      const isOpen = (): boolean => step.gates.every((gate) => progress.opened(gate) !== undefined);
      try {
        await agent.waitFor(isOpen, { deadlineMs: timeoutMs, signal });
      } catch (error) {
        if (!isCode(error, 'timeout')) throw error;
        const closed = step.gates.find((gate) => progress.opened(gate) === undefined);
        return `${closed === undefined ? 'the executor hung' : closedGate(closed)} within ${timeoutMs / 1000} s, so ${stepName(step)} (line ${step.line}) was never played`;
      }
      const due = Math.max(
        (before ?? Number.NEGATIVE_INFINITY) + step.distanceMs,
        ...step.gates.map((gate) => (progress.opened(gate) ?? 0) + gate.distanceMs),
      );
      const wait = due - clock.now();
      if (wait > 0) await sleep(clock, wait, signal);
      await take(step, agent);
      before = clock.now();
    }
    return undefined;
  } finally {
    progress.close();
  }
}

async function take(step: Step, agent: AgentEmulator): Promise<void> {
  switch (step.kind) {
    case 'event':
      return agent.send(step.event);
    case 'stop-acknowledging':
      return agent.setAcknowledge(false);
    case 'disconnect':
      return agent.disconnect();
    case 'down':
      return agent.stopListening();
    case 'up':
      return agent.startListening(step.restart);
  }
}

function stepName(step: Step): string {
  if (step.kind === 'event') return step.event.type;
  return { 'stop-acknowledging': 'the end of acknowledgements', disconnect: 'the disconnection', down: "the agent's end", up: "the agent's return" }[step.kind];
}
