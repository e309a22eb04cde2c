import type { TaskLimits } from '../docker/index.ts';
import type { LedgerEntry } from '../mesos/index.ts';
import { identityOf, type PodIdentity, type PodStatus, type ValidPod } from '../pod/index.ts';
import type { KillCause, PodStage, TaskCheck, TaskProgress, TaskUpdateDraft } from '../status/index.ts';
import type { PodNote, Remembered } from '../runtime/index.ts';
import type { Ending } from './ending.ts';
import type { Order } from './order.ts';
import { PodNotes } from './pod-notes.ts';

/** One line of the executor's journal. */
export type JournalEntry =
  /** Comes first. Later ones add to it. */
  | ({ readonly kind: 'run' } & RunFacts)
  | { readonly kind: 'ledger'; readonly entry: LedgerEntry }
  | { readonly kind: 'pod'; readonly record: PodRecord }
  | (PodNote & { readonly uid: string })
  | { readonly kind: 'progress'; readonly taskId: string; readonly progress: ProgressRecord }
  | { readonly kind: 'order'; readonly taskId: string; readonly order: Order }
  /** Tasks that are launched together or not at all; it comes before theirs. Until it is decided none of them is anything but accepted, or refused. */
  | { readonly kind: 'group'; readonly taskIds: readonly string[]; readonly decided: boolean }
  /** The task is over on all sides; `uid` is the pod that it ran. */
  | { readonly kind: 'settled'; readonly taskId: string; readonly uid?: string }
  /** A pod of an earlier run, whose files are still to be removed and whose end the API has to hear of; then `buried`. */
  | ({ readonly kind: 'former' } & FormerPod)
  | { readonly kind: 'buried'; readonly uid: string };

/** A pod of an executor that has ended. */
export interface FormerPod {
  readonly pod: PodIdentity;
  /** The last that was reported of it. */
  readonly status?: PodStatus;
}

/** What is known of a run of the executor as a whole; what is not there is not known yet, or not so. */
export interface RunFacts {
  /** The sandbox that Mesos gave it. */
  readonly run: string;
  readonly nodeName?: string;
  /** The boot in which its pods live. */
  readonly bootId?: string;
  /** What the framework understands. */
  readonly capabilities?: readonly string[];
  /** It takes no more tasks, and ends with its last one. */
  readonly draining?: true;
  /** It has been told to end. */
  readonly ending?: Ending;
}

/** A pod that was accepted. */
export interface PodRecord {
  readonly taskId: string;
  readonly pod: ValidPod;
  /** Milliseconds since the epoch. */
  readonly launchedAt: number;
  /** The pod is known to be (or to have been) in the API: its absence there means that it was deleted. */
  readonly inApi: boolean;
  /** Nobody has found out yet whether there is room for it here. */
  readonly unplaced?: true;
  /** No API is ever asked for it: a static pod, or a task that brought no Pod. */
  readonly alone?: true;
  /** Grace of `TaskInfo.kill_policy`, milliseconds. */
  readonly killGraceMs?: number;
  /** `TaskInfo.max_completion_time`, milliseconds. */
  readonly maxCompletionMs?: number;
  /** What the task may use, all of its pod together. */
  readonly limits?: TaskLimits;
  /** Its general check. */
  readonly check?: TaskCheck;
  /** Its health check (of Mesos, which is the pod's liveness probe) ends the task, not only a container. */
  readonly endsUnhealthy?: true;
  /** It never ran: `pod` is what remains of it until the API's object is deleted. */
  readonly refused?: Refused;
}

/** What both sides are told of a pod that is refused. */
export interface Refused {
  readonly update: TaskUpdateDraft;
  readonly status: PodStatus;
}

/** How far a pod had come when it was last reported. */
export interface ProgressRecord {
  readonly progress: TaskProgress;
  readonly status: PodStatus;
  readonly stage: PodStage;
  readonly deleted: boolean;
  readonly succeededBeforeKill: boolean;
  readonly cause?: KillCause;
}

/** What the journal says of one pod. */
export interface KnownPod extends PodRecord {
  readonly remembered: Remembered;
  readonly last?: ProgressRecord;
  readonly order?: Order;
}

/** What entries have said of one pod. */
interface Said {
  readonly record: PodRecord;
  last?: ProgressRecord;
  readonly notes: PodNotes;
}

/** So many tasks that are over are remembered: an event that comes twice comes soon. */
const MOST_BYGONE = 1000;

/** The state that the journal's entries add up to; it grows with each one and gives the shortest list that says the same. */
export class ExecutorState {
  #facts: RunFacts | undefined;
  readonly ledger: LedgerEntry[] = [];
  readonly #pods = new Map<string, Said>();
  readonly #orders = new Map<string, Order>();
  /** Undecided, by their first task. */
  readonly #groups = new Map<string, readonly string[]>();
  readonly #former = new Map<string, FormerPod>();
  /** UIDs of pods that have run and are over, by their tasks. */
  readonly #bygone = new Map<string, string>();

  static restore(entries: Iterable<JournalEntry>): ExecutorState {
    const state = new ExecutorState();
    for (const entry of entries) {
      state.apply(entry);
      if (entry.kind === 'ledger') state.ledger.push(entry.entry);
    }
    return state;
  }

  /** Of the run; nothing before its first entry. */
  get facts(): Partial<RunFacts> {
    return this.#facts ?? {};
  }

  get nodeName(): string | undefined {
    return this.#facts?.nodeName;
  }

  apply(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'run': {
        const { kind: _, ...facts } = entry;
        this.#facts = { ...this.#facts, ...facts };
        break;
      }
      case 'ledger':
        break; // the ledger keeps its own entries
      case 'pod':
        this.#pods.set(entry.record.taskId, { ...(this.#pods.get(entry.record.taskId) ?? { notes: new PodNotes() }), record: entry.record });
        break;
      case 'attempt':
      case 'probe':
      case 'pull':
        for (const { record, notes } of this.#pods.values()) if (record.pod.metadata.uid === entry.uid) notes.apply(entry);
        break;
      case 'progress': {
        const pod = this.#pods.get(entry.taskId);
        if (pod !== undefined) pod.last = entry.progress;
        break;
      }
      case 'order':
        this.#orders.set(entry.taskId, entry.order);
        break;
      case 'group': {
        const [first = ''] = entry.taskIds;
        if (entry.decided) this.#groups.delete(first);
        else this.#groups.set(first, entry.taskIds);
        break;
      }
      case 'settled':
        this.#pods.delete(entry.taskId);
        this.#orders.delete(entry.taskId);
        if (entry.uid !== undefined) this.#rememberBygone(entry.taskId, entry.uid);
        break;
      case 'former':
        this.#former.set(entry.pod.uid, { pod: entry.pod, ...(entry.status === undefined ? {} : { status: entry.status }) });
        break;
      case 'buried':
        this.#former.delete(entry.uid);
        break;
    }
  }

  pods(): KnownPod[] {
    return [...this.#pods.values()].map(({ record, last, notes }) => {
      const order = this.#orders.get(record.taskId);
      return { ...record, remembered: notes.remembered(), ...(last === undefined ? {} : { last }), ...(order === undefined ? {} : { order }) };
    });
  }

  /** The order for a task, also for one whose pod was not accepted yet. */
  order(taskId: string): Order | undefined {
    return this.#orders.get(taskId);
  }

  /** Groups of tasks that were neither launched nor refused as a whole. */
  undecided(): (readonly string[])[] {
    return [...this.#groups.values()];
  }

  /** The pod that a task was that is over. Only the last thousand are known. */
  bygone(taskId: string): string | undefined {
    return this.#bygone.get(taskId);
  }

  isBygonePod(uid: string): boolean {
    return [...this.#bygone.values()].includes(uid);
  }

  /** Pods of earlier runs that are not buried. */
  former(): FormerPod[] {
    return [...this.#former.values()];
  }

  /** What the next run has to know of this one. */
  *legacy(): Generator<{ readonly kind: 'former' } & FormerPod> {
    for (const former of this.#former.values()) yield { kind: 'former', ...former };
    for (const { record, last } of this.#pods.values()) {
      const status = record.refused?.status ?? last?.status;
      yield { kind: 'former', pod: identityOf(record.pod), ...(status === undefined ? {} : { status }) };
    }
  }

  /** The shortest list of entries that says the same; `ledger` gives its own. */
  *entries(ledger: Iterable<LedgerEntry>): Generator<JournalEntry> {
    if (this.#facts !== undefined) yield { kind: 'run', ...this.#facts };
    for (const [taskId, uid] of this.#bygone) yield { kind: 'settled', taskId, uid }; // before the pods: a task's name may be used again
    for (const taskIds of this.#groups.values()) yield { kind: 'group', taskIds, decided: false };
    for (const entry of ledger) yield { kind: 'ledger', entry };
    for (const { record, last, notes } of this.#pods.values()) {
      yield { kind: 'pod', record };
      for (const note of notes.notes()) yield { ...note, uid: record.pod.metadata.uid };
      if (last !== undefined) yield { kind: 'progress', taskId: record.taskId, progress: last };
    }
    for (const [taskId, order] of this.#orders) yield { kind: 'order', taskId, order };
    for (const former of this.#former.values()) yield { kind: 'former', ...former };
  }

  #rememberBygone(taskId: string, uid: string): void {
    this.#bygone.delete(taskId);
    this.#bygone.set(taskId, uid);
    const [oldest] = this.#bygone.keys();
    if (this.#bygone.size > MOST_BYGONE && oldest !== undefined) this.#bygone.delete(oldest);
  }
}
