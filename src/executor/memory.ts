import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, DamagedJournal, Journal, messageOf } from '../base/index.ts';
import { Ledger, type LedgerOptions, type MesosEnvironment, type TaskInfo } from '../mesos/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { PodNote } from '../runtime/index.ts';
import { ExecutorState, type JournalEntry, type RunFacts } from './journal-entry.ts';
import { bootId } from './owner-process.ts';
import { disown, own, ownerName } from './owners.ts';

/** What is written of a task's data before its pod runs, in times of its length: the task in base64 and the pod with its defaults. */
const ENTRIES = 3;
/** More than a note takes as a rule, bytes. */
const LONGEST_NOTE = 1024;
/** A disk that is full is looked at again after so long, milliseconds. */
const LOOK_AGAIN_MS = 2_000;

export interface MemoryOptions {
  readonly rootDir: string;
  readonly environment: MesosEnvironment;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the executor knows and must not forget: state and ledger, both behind one journal. */
export class Memory {
  readonly state: ExecutorState;
  readonly ledger: Ledger;
  /** This is a new run of the executor, not a new process of the same run. */
  readonly fresh: boolean;
  /** The machine has been booted since this run began: what it had is dead, and the agent has given its tasks up. */
  readonly rebooted: boolean;
  readonly #journal: Journal<JournalEntry>;
  readonly #run: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #disown: () => void;
  #cancelLook: (() => void) | undefined;
  #onFull: (fault: string | undefined) => void = () => undefined;

  /**
   * Opens the journal below `rootDir`. Throws code `invalid` when it is damaged and an earlier worker of this supervisor has written it: what its tasks are nobody knows then;
   * `no-space` (or the system's ENOSPC) when nothing can be written down.
   */
  constructor({ rootDir, environment, clock, logger }: MemoryOptions) {
    this.#clock = clock;
    this.#logger = logger;
    this.#disown = () => disown(rootDir, environment);
    const isFirst = own(rootDir, environment, process.ppid); // the supervisor, which the agent watches
    const { journal, entries, isWhole } = this.#open(join(rootDir, 'journal', `${ownerName(environment)}.jsonl`), isFirst);
    this.#journal = journal;
    this.#run = environment.sandbox;
    const known = ExecutorState.restore(entries);
    this.fresh = !isWhole || known.facts.run !== this.#run;
    this.rebooted = !this.fresh && known.facts.bootId !== undefined && known.facts.bootId !== bootId();
    // Tasks of an earlier run are over for Mesos: what is left of them in Docker is swept.
    this.state = this.fresh ? new ExecutorState() : known;
    const options: LedgerOptions = { executorId: environment.executorId, clock, record: (entry) => this.record({ kind: 'ledger', entry }) };
    this.ledger = this.fresh ? new Ledger(options) : Ledger.restore(known.ledger, options);
    if (this.fresh) {
      this.state.apply({ kind: 'run', run: this.#run, bootId: bootId() });
      for (const entry of known.legacy()) this.state.apply(entry);
      this.#begin();
    }
    this.#look();
  }

  /** Writes an entry down; then it is known. */
  record(entry: JournalEntry): void {
    this.#journal.append(entry);
    this.state.apply(entry);
    this.#look();
  }

  /**
   * Takes a task in. Without room the agent shall still hear why it cannot be, and of that its pod is no part. False when it is known already, or over: no pod runs a second time. A
   * task whose name was another pod's, or whose pod brings no UID, is a new one.
   */
  accept(task: TaskInfo): boolean {
    const { data = new Uint8Array(), ...bare } = task;
    const bygone = this.state.bygone(task.task_id.value);
    if (bygone !== undefined && Buffer.from(data.buffer, data.byteOffset, data.byteLength).includes(bygone)) return false;
    return this.ledger.addTask(this.hasRoom(ENTRIES * data.length) ? task : bare);
  }

  /** Writes down what the runtime notes of a pod. On a full disk only restarts: there are ends to be told. */
  note(entry: PodNote & { readonly uid: string }): void {
    if (entry.kind === 'attempt' || this.hasRoom(LONGEST_NOTE)) this.record(entry);
  }

  /** Whether so much more can be written down, bytes, and there is still something left for the end of all that runs. */
  hasRoom(bytes: number): boolean {
    const has = this.#journal.makeRoom(bytes);
    this.#look();
    return has;
  }

  /** `tell` hears of a disk that is full, at once if it is, and of room again. */
  watch(tell: (fault: string | undefined) => void): void {
    this.#onFull = tell;
    if (this.#cancelLook !== undefined) tell(FULL);
  }

  /** All that there is belongs to this boot from now on. */
  settleBoot(): void {
    if (this.state.facts.bootId !== bootId()) this.record({ kind: 'run', run: this.#run, bootId: bootId() });
  }

  /** The name under which the node is known to Kubernetes. */
  setNodeName(nodeName: string): void {
    if (this.state.nodeName !== nodeName) this.record({ kind: 'run', run: this.#run, nodeName });
  }

  /** Writes down what is so for this run as a whole, unless it is known; on a full disk it is not written. */
  learn(facts: Pick<RunFacts, 'capabilities' | 'draining' | 'ending'>): void {
    const { facts: known } = this.state;
    const isNew = Object.entries(facts).some(([name, value]) => JSON.stringify(known[name as keyof RunFacts]) !== JSON.stringify(value));
    if (isNew && this.hasRoom(LONGEST_NOTE)) this.record({ kind: 'run', run: this.#run, ...facts });
  }

  /** One that is damaged is put aside where no task of ours can be in it: of its pods those are ended that can still be read. */
  #open(path: string, isFirst: boolean): { journal: Journal<JournalEntry>; entries: readonly JournalEntry[]; isWhole: boolean } {
    const options = {
      snapshot: () => this.state.entries(this.ledger.entries()),
      onError: (error: unknown) => this.#logger.error('journal not written to the disk', { error: messageOf(error) }),
    };
    try {
      return { ...Journal.open<JournalEntry>(path, options), isWhole: true };
    } catch (error) {
      if (!isFirst || !(error instanceof DamagedJournal)) throw error;
      renameSync(path, `${path}.damaged`);
      this.#logger.error('the journal of an earlier executor is damaged, it is put aside', { error: messageOf(error), path: `${path}.damaged` });
      return { ...Journal.open<JournalEntry>(path, options), entries: error.entries as readonly JournalEntry[], isWhole: false };
    }
  }

  /** A new run is not begun in the journal of another one. */
  #begin(): void {
    try {
      this.#journal.compact();
    } catch (error) {
      void this.#journal.close();
      throw error;
    }
  }

  #look(): void {
    const { isFull } = this.#journal;
    if (isFull === (this.#cancelLook !== undefined)) return;
    if (isFull) this.#lookLater();
    else {
      this.#cancelLook?.();
      this.#cancelLook = undefined;
    }
    this.#logger[isFull ? 'error' : 'info'](isFull ? 'the disk of --root-dir is full: no new pods until there is room' : 'there is room on the disk of --root-dir again');
    this.#onFull(isFull ? FULL : undefined);
  }

  #lookLater(): void {
    this.#cancelLook = this.#clock.after(LOOK_AGAIN_MS, () => {
      if (this.#journal.makeRoom(0)) return this.#look();
      this.#lookLater();
    });
  }

  /** Nothing is written any more. Where pods are left, or what the API was to hear of them, the next run reads it; else there is nothing to read. */
  async close(): Promise<void> {
    this.#cancelLook?.();
    if (this.state.pods().length > 0 || this.state.former().length > 0) return this.#journal.close();
    await this.#journal.discard();
    this.#disown();
  }
}

const FULL = 'no space left on the disk of --root-dir';
