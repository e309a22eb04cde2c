import { isCode, messageOf } from '../base/index.ts';
import type { Engine } from '../docker/index.ts';
import type { Container, Handler } from '../pod/index.ts';
import { httpGet, urlOf } from './probe-once.ts';

/** Where a lifecycle hook runs. */
export interface HookTarget {
  readonly engine: Engine;
  readonly containerId: string;
  readonly container: Container;
  readonly podIP: string;
  readonly signal: AbortSignal;
}

/** Runs a postStart or preStop hook; gives back why it failed, or `undefined` when it went well. `timeoutMs` bounds it. */
export async function runHook(hook: Handler, target: HookTarget, timeoutMs: number): Promise<string | undefined> {
  try {
    if (hook.exec !== undefined) return await execHook(hook.exec.command ?? [], target, timeoutMs);
    if (hook.httpGet !== undefined) {
      const answer = await httpGet(urlOf(hook.httpGet, target), hook.httpGet, timeoutMs, target.signal);
      return typeof answer === 'string' ? answer : undefined;
    }
    return 'invalid handler: exec or httpGet is needed';
  } catch (error) {
    return messageOf(error);
  }
}

async function execHook(command: readonly string[], { engine, containerId, signal }: HookTarget, timeoutMs: number): Promise<string | undefined> {
  const shown = command.join(' ');
  try {
    const { exitCode, output } = await engine.exec(containerId, command, { timeoutMs, signal });
    return exitCode === 0 ? undefined : `command '${shown}' exited with ${exitCode}: ${output}`;
  } catch (error) {
    if (isCode(error, 'timeout')) return `command '${shown}' did not end within ${timeoutMs / 1000}s`;
    throw error;
  }
}
