import type { IncomingMessage } from 'node:http';
import type Docker from 'dockerode';
import { KmError, systemClock } from '../base/index.ts';
import { dialStream } from './dial.ts';
import { noAnswer } from './engine-error.ts';
import type { EngineEvent, EventsOptions } from './engine.ts';
import { linesOf } from './lines.ts';

/** Those after which the truth about a container may be another; probes' execs alone would be many more. */
const ACTIONS = ['create', 'start', 'die', 'oom', 'destroy'];

/** The Engine's event stream for containers with these labels, until `signal` aborts. Code `timeout` when the Engine does not open it within `openMs`. */
export async function* events(docker: Docker, options: EventsOptions, openMs: number): AsyncGenerator<EngineEvent> {
  const answer = await open(docker, options, openMs);
  options.onOpen?.();
  for await (const line of linesOf(answer)) {
    const event = parseEvent(line);
    if (event !== undefined) yield event;
  }
  throw new KmError('unavailable', 'the Docker Engine ended its event stream');
}

async function open(docker: Docker, { labels, since, signal }: EventsOptions, openMs: number): Promise<IncomingMessage> {
  const label = Object.entries(labels).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  const late = new AbortController();
  const cancel = systemClock.after(openMs, () => late.abort());
  try {
    return await dialStream(docker, {
      method: 'GET',
      path: '/events',
      query: {
        filters: JSON.stringify({ type: ['container'], event: ACTIONS, label }),
        ...(since !== undefined && { since: sinceText(since) }),
      },
      signal: AbortSignal.any([signal, late.signal]),
    });
  } catch (error) {
    throw late.signal.aborted ? noAnswer(openMs) : error;
  } finally {
    cancel();
  }
}

/** Seconds and nanoseconds, as the Engine takes them. */
export function sinceText(since: bigint): string {
  return `${since / 1_000_000_000n}.${String(since % 1_000_000_000n).padStart(9, '0')}`;
}

/** `undefined` for a line that is no container event. */
export function parseEvent(line: string): EngineEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { Action: action, Actor: actor } = (parsed ?? {}) as { Action?: unknown; Actor?: { ID?: unknown; Attributes?: Record<string, string> } };
  // Over 2^53: read from the text. It is the last key; quotes within values are escaped, so that none can pass for it.
  const timeNano = /"timeNano":(\d{1,19})[^"]*$/.exec(line)?.[1];
  if (typeof action !== 'string' || typeof actor?.ID !== 'string' || timeNano === undefined) return undefined;
  return { action, id: actor.ID, timeNano: BigInt(timeNano), labels: actor.Attributes ?? {} };
}
