import { setTimeout as sleep } from 'node:timers/promises';
import { isCode, messageOf } from '../base/index.ts';
import type { Engine } from '../docker/index.ts';
import { addressOf, type Container, type Handler, httpTarget } from '../pod/index.ts';
import { dial } from './dial.ts';
import { httpGet } from './http-get.ts';

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
      const answer = await httpGet(httpTarget(hook.httpGet, target.container, target.podIP), hook.httpGet.httpHeaders ?? [], timeoutMs, target.signal);
      return typeof answer === 'string' ? answer : undefined;
    }
    if (hook.tcpSocket !== undefined) return await dial(addressOf(hook.tcpSocket, target.container, target.podIP), timeoutMs, target.signal);
    if (hook.sleep !== undefined) return await sleepHook((hook.sleep.seconds ?? 0) * 1000, target.signal);
    return 'invalid handler: one of exec, httpGet, tcpSocket and sleep is needed';
  } catch (error) {
    return messageOf(error);
  }
}

/** What the event of a failed hook says (Kubernetes v1.20 pkg/kubelet/lifecycle/handlers.go). */
export function hookFailure({ exec, httpGet: http, tcpSocket, sleep: nap }: Handler, container: string, pod: string, why: string): string {
  const what = [
    exec && `Exec lifecycle hook ([${(exec.command ?? []).join(' ')}])`,
    http && `Http lifecycle hook (${http.path ?? ''})`,
    tcpSocket && `TCP lifecycle hook (${String(tcpSocket.port)})`,
    nap && `Sleep lifecycle hook (${nap.seconds})`,
  ].find((text) => text !== undefined);
  return `${what ?? 'Lifecycle hook'} for Container "${container}" in Pod "${pod}" failed - error: ${why}`;
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

/** A sleep that the end of the grace cuts short has done its part. */
async function sleepHook(ms: number, signal: AbortSignal): Promise<undefined> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
