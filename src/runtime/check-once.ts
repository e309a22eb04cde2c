import { isCode, timeoutSignal } from '../base/index.ts';
import type { Engine } from '../docker/index.ts';
import type { HttpTarget } from '../pod/index.ts';
import { type CheckStatus, emptyCheckStatus, type TaskCheck } from '../status/index.ts';
import { dial } from './dial.ts';
import { httpGet } from './http-get.ts';
import { redirected } from './redirected.ts';

export interface CheckTarget {
  readonly engine: Pick<Engine, 'exec'>;
  readonly containerId: string;
  /** Where the container's ports are. */
  readonly host: string;
  readonly signal: AbortSignal;
}

/** What curl follows, which Mesos has make its checks. */
const MOST_REDIRECTS = 50;
/** A check without time limit gets this one, milliseconds: nothing of ours waits for ever. */
const LONGEST_MS = 3_600_000;

/** Makes a check once. A result that cannot be had, in time or at all, is an empty one (Mesos docs/health-checks.md). Never throws. */
export async function checkOnce(check: TaskCheck, target: CheckTarget): Promise<CheckStatus> {
  const timeoutMs = check.timeoutMs ?? LONGEST_MS;
  const late = timeoutSignal(timeoutMs);
  const signal = AbortSignal.any([target.signal, late]);
  switch (check.type) {
    case 'COMMAND':
      return { type: 'COMMAND', command: await commandStatus(check.command, timeoutMs, target) };
    case 'HTTP': {
      const status = await httpStatus({ scheme: 'http', host: target.host, port: check.port, path: check.path }, timeoutMs, signal);
      return { type: 'HTTP', http: status === undefined ? {} : { status_code: status } };
    }
    case 'TCP': {
      const failure = await dial({ host: target.host, port: check.port }, LONGEST_MS, signal);
      return signal.aborted ? emptyCheckStatus('TCP') : { type: 'TCP', tcp: { succeeded: failure === undefined } };
    }
  }
}

async function commandStatus(command: readonly string[], timeoutMs: number, { engine, containerId, signal }: CheckTarget): Promise<{ exit_code?: number }> {
  try {
    const { exitCode } = await engine.exec(containerId, command, { timeoutMs, signal, maxOutputBytes: 0 });
    return { exit_code: exitCode };
  } catch (error) {
    // Docker refuses what it cannot start; a shell would have said 127.
    return isCode(error, 'workload') && !signal.aborted ? { exit_code: 127 } : {};
  }
}

/** The status code at the end of all redirects. */
async function httpStatus(first: HttpTarget, timeoutMs: number, signal: AbortSignal): Promise<number | undefined> {
  let to = first;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const answer = await httpGet(to, [], timeoutMs, signal);
    if (typeof answer === 'string') return undefined;
    const { status, location } = answer;
    if (status < 300 || status >= 400 || location === undefined) return status;
    const next = redirected(location, to);
    if (next === undefined) return undefined;
    to = next;
  }
  return undefined;
}
