import { KmError, parseMesosDuration } from '../../base/index.ts';
import { isTerminalState, type ContentType, type Event, type EventSubscribed } from '../../mesos/index.ts';
import type { Recording, RecordingEntry, RecordingHeader } from '../record/index.ts';
import type { RestartOptions } from '../agent/index.ts';

/**
 * What the live executor must have done before a step. `distanceMs` is how long after it the recorded agent took the step,
 * and so is the least distance in the replay.
 */
export type Gate = { readonly distanceMs: number } & (
  | { readonly kind: 'subscribed' }
  /** `any`: something was said about the task; `running`: it runs, or has ended; `terminal`: it has ended. */
  | { readonly kind: 'update'; readonly taskId: string; readonly reached: 'any' | 'running' | 'terminal' }
);

/** One thing that the agent does, `distanceMs` after its step before, when all its gates are open. */
export type Step = {
  /** Line of the recording. */
  readonly line: number;
  /** Milliseconds into the recording. */
  readonly t: number;
  readonly distanceMs: number;
  readonly gates: readonly Gate[];
} & (
  | { readonly kind: 'event'; readonly event: Event }
  /** From here on the agent acknowledges nothing, as in the recording. */
  | { readonly kind: 'stop-acknowledging' }
  /** The event stream breaks, the agent lives on. */
  | { readonly kind: 'disconnect' }
  /** The agent is killed. */
  | { readonly kind: 'down' }
  | { readonly kind: 'up'; readonly restart: Required<RestartOptions> }
);

export interface Plan {
  readonly header: RecordingHeader;
  readonly contentType: ContentType;
  /** What the recorded agent said in its SUBSCRIBED. */
  readonly subscribed: EventSubscribed;
  readonly steps: readonly Step[];
  /** How many messages of the scheduler the executor answered. */
  readonly messagesAnswered: number;
  readonly shutdownGraceMs: number;
  /** Whether the recorded agent told the executor to shut down. */
  readonly endsWithShutdown: boolean;
}

/**
 * Turns a recording into what the agent's side has to do, and when. Throws code `invalid` when it holds no subscription that
 * was answered: there is nothing to play.
 */
export function planReplay(recording: Recording, contentType?: ContentType): Plan {
  const { header, entries } = recording;
  const first = entries.find((entry) => entry.kind === 'event' && entry.event.type === 'SUBSCRIBED');
  if (first?.kind !== 'event' || first.event.type !== 'SUBSCRIBED') {
    throw new KmError('invalid', 'the recording has no SUBSCRIBED event: there is nothing to replay');
  }
  const steps = new Planner(entries).steps();
  return {
    header,
    contentType: contentType ?? header.contentType ?? 'application/x-protobuf',
    subscribed: first.event.subscribed,
    steps,
    messagesAnswered: messagesAnswered(entries),
    shutdownGraceMs: graceOf(header),
    endsWithShutdown: steps.some((step) => step.kind === 'event' && step.event.type === 'SHUTDOWN'),
  };
}

function graceOf({ environment }: RecordingHeader): number {
  const text = environment.MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD ?? '5secs';
  try {
    return parseMesosDuration(text);
  } catch (error) {
    throw new KmError('invalid', 'line 1, environment.MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: no duration', { cause: error });
  }
}

/** Pairs each message of the agent with at most one later message of the executor. */
function messagesAnswered(entries: readonly RecordingEntry[]): number {
  let open = 0;
  let answered = 0;
  for (const entry of entries) {
    if (entry.kind === 'event' && entry.event.type === 'MESSAGE') open += 1;
    if (entry.kind !== 'call' || entry.call?.type !== 'MESSAGE' || open === 0) continue;
    open -= 1;
    answered += 1;
  }
  return answered;
}

type Planned = Omit<Step, 'distanceMs' | 'gates'> & { readonly gates: readonly Gate[] };

/** Walks through the lines once, with what the recorded agent knew at each of them. */
class Planner {
  readonly #entries: readonly RecordingEntry[];
  readonly #planned: Planned[] = [];
  /** Newest recorded update of each task, and when the newest subscription stood. */
  readonly #updates = new Map<string, { reached: 'any' | 'running' | 'terminal'; t: number }>();
  #subscribedAt: number | undefined;
  /** Connection of the event stream, and connections that the executor has ended. */
  #stream: number | undefined;
  readonly #endedByExecutor = new Set<number>();

  constructor(entries: readonly RecordingEntry[]) {
    this.#entries = entries;
  }

  steps(): Step[] {
    const silentFrom = this.#firstUnacknowledged();
    this.#entries.forEach((entry, i) => this.#visit(entry, i));
    this.#stopAcknowledgingBefore(silentFrom);
    let before: number | undefined;
    return this.#planned.map((planned) => {
      const distanceMs = before === undefined ? 0 : planned.t - before;
      before = planned.t;
      return { ...planned, distanceMs } as Step;
    });
  }

  #visit(entry: RecordingEntry, i: number): void {
    switch (entry.kind) {
      case 'call':
        if (entry.call?.type === 'UPDATE') this.#updated(entry.call.update.status, entry.t);
        break;
      case 'answer':
      case 'end':
        break;
      case 'event':
        this.#event(entry, entry.event);
        break;
      case 'connection':
        if (entry.change === 'open') break;
        if (entry.from === 'executor') this.#endedByExecutor.add(entry.conn);
        else if (entry.conn === this.#stream && !this.#endedByExecutor.has(entry.conn)) this.#broken(entry, i);
        break;
    }
  }

  #updated(status: { task_id: { value: string }; state: Parameters<typeof isTerminalState>[0] }, t: number): void {
    const taskId = status.task_id.value;
    const reached = isTerminalState(status.state) ? 'terminal' : status.state === 'TASK_RUNNING' ? 'running' : 'any';
    const rank = { any: 0, running: 1, terminal: 2 };
    const older = this.#updates.get(taskId);
    if (older === undefined || rank[older.reached] < rank[reached]) this.#updates.set(taskId, { reached, t });
  }

  #event(entry: RecordingEntry, event: Event): void {
    if (event.type === 'SUBSCRIBED') {
      this.#stream = entry.conn;
      this.#subscribedAt = entry.t;
    } else if (event.type !== 'ACKNOWLEDGED' && event.type !== 'HEARTBEAT') {
      // The emulator acknowledges and beats by itself; everything else is the recorded agent's doing.
      this.#plan(entry, { kind: 'event', event });
    }
  }

  /** The agent's end of the stream went down: with the whole agent, or alone. */
  #broken(entry: RecordingEntry, i: number): void {
    this.#stream = undefined;
    const rest = this.#entries.slice(i + 1);
    const accepted = rest.findIndex((other) => other.kind === 'answer' && other.status === 200);
    const until = accepted < 0 ? rest : rest.slice(0, accepted);
    const alive = until.some((other) => other.kind === 'answer' && other.status === 202);
    if (alive) {
      this.#plan(entry, { kind: 'disconnect' });
      return;
    }
    this.#plan(entry, { kind: 'down' });
    this.#subscribedAt = undefined;
    const back = rest.find((other) => other.kind === 'answer');
    if (back !== undefined) this.#plan({ ...back, t: this.#requestOf(back) }, { kind: 'up', restart: restartIn(rest, back.t) });
  }

  /** When the request came that got this answer: the agent was back by then. */
  #requestOf(answer: RecordingEntry): number {
    const calls = this.#entries.filter((entry) => entry.kind === 'call' && entry.conn === answer.conn && entry.t <= answer.t);
    return calls.at(-1)?.t ?? answer.t;
  }

  #plan(entry: RecordingEntry, what: { kind: 'event'; event: Event } | { kind: 'disconnect' | 'down' } | { kind: 'up'; restart: Required<RestartOptions> }): void {
    const gates: Gate[] = what.kind === 'up' || this.#subscribedAt === undefined ? [] : [{ kind: 'subscribed', distanceMs: entry.t - this.#subscribedAt }];
    if (what.kind !== 'up') {
      for (const [taskId, { reached, t }] of this.#updates) gates.push({ kind: 'update', taskId, reached, distanceMs: entry.t - t });
    }
    this.#planned.push({ ...what, line: entry.line, t: entry.t, gates });
  }

  /** When the first of the updates was sent that end the recording without an acknowledgement. */
  #firstUnacknowledged(): number | undefined {
    const acknowledged = new Set(this.#entries.flatMap((entry) => (entry.kind === 'event' && entry.event.type === 'ACKNOWLEDGED' ? [hex(entry.event.acknowledged.uuid)] : [])));
    let since: number | undefined;
    for (const entry of this.#entries) {
      if (entry.kind !== 'call' || entry.call?.type !== 'UPDATE') continue;
      if (acknowledged.has(hex(entry.call.update.status.uuid))) since = undefined;
      else since ??= entry.t;
    }
    return since;
  }

  /** Acknowledging stops with the last event before those updates: it is what changed the agent's mind. */
  #stopAcknowledgingBefore(t: number | undefined): void {
    if (t === undefined) return;
    const at = this.#planned.findLastIndex((step) => step.kind === 'event' && step.t <= t);
    const before = this.#planned[at];
    if (before === undefined) return;
    this.#planned.splice(at, 0, { kind: 'stop-acknowledging', line: before.line, t: before.t, gates: before.gates });
  }
}

/** How the agent came back, from its first answer on. */
function restartIn(rest: readonly RecordingEntry[], backAt: number): Required<RestartOptions> {
  const answers = rest.filter((entry) => entry.kind === 'answer');
  const accepted = answers.find((entry) => entry.status === 200);
  const before = answers.filter((entry) => accepted === undefined || entry.t < accepted.t);
  const refusedLater = accepted === undefined ? [] : answers.filter((entry) => entry.t > accepted.t && entry.status === 503);
  const recovering = before.some((entry) => entry.status === 503);
  return {
    notFound: before.filter((entry) => entry.status === 404).length,
    recoveringMs: recovering ? (accepted?.t ?? before.at(-1)?.t ?? backAt) - backAt : 0,
    updatesRefusedMs: accepted === undefined ? 0 : (refusedLater.at(-1)?.t ?? accepted.t) - accepted.t,
  };
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
