import { join } from 'node:path';
import { type Clock, Journal, messageOf } from '../base/index.ts';
import { Ledger, type LedgerOptions, type MesosEnvironment } from '../mesos/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { ExecutorState, type JournalEntry } from './journal-entry.ts';
import { bootId, disown, own, ownerName } from './owners.ts';

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
  readonly #disown: () => void;

  /** Opens the journal below `rootDir`. Throws code `invalid` when it is damaged. */
  constructor({ rootDir, environment, clock, logger }: { rootDir: string; environment: MesosEnvironment; clock: Clock; logger: Logger }) {
    this.#disown = () => disown(rootDir, environment);
    own(rootDir, environment, process.ppid); // the supervisor, which the agent watches
    const { journal, entries } = Journal.open<JournalEntry>(join(rootDir, 'journal', `${ownerName(environment)}.jsonl`), {
      snapshot: () => this.state.entries(this.ledger.entries()),
      onError: (error) => logger.error('journal not written to the disk', { error: messageOf(error) }),
    });
    this.#journal = journal;
    this.#run = environment.sandbox;
    const known = ExecutorState.restore(entries);
    this.fresh = known.run !== this.#run;
    this.rebooted = !this.fresh && known.bootId !== undefined && known.bootId !== bootId();
    // Tasks of an earlier run are over for Mesos: what is left of them in Docker is swept.
    this.state = this.fresh ? new ExecutorState() : known;
    const options: LedgerOptions = { executorId: environment.executorId, clock, record: (entry) => this.record({ kind: 'ledger', entry }) };
    this.ledger = this.fresh ? new Ledger(options) : Ledger.restore(known.ledger, options);
    if (this.fresh) {
      this.state.apply({ kind: 'run', run: this.#run, bootId: bootId() });
      for (const entry of known.legacy()) this.state.apply(entry);
      journal.compact();
    }
  }

  /** Writes an entry down; then it is known. */
  record(entry: JournalEntry): void {
    this.#journal.append(entry);
    this.state.apply(entry);
  }

  /** All that there is belongs to this boot from now on. */
  settleBoot(): void {
    if (this.state.bootId !== bootId()) this.record({ kind: 'run', run: this.#run, bootId: bootId() });
  }

  /** The name under which the node is known to Kubernetes. */
  setNodeName(nodeName: string): void {
    if (this.state.nodeName !== nodeName) this.record({ kind: 'run', run: this.#run, nodeName });
  }

  /** Nothing is written any more. `allGone`: no pod of ours is left anywhere; else the next run reads what there is to remove. */
  async close(allGone: boolean): Promise<void> {
    if (!allGone || this.state.former().length > 0) return this.#journal.close();
    await this.#journal.discard();
    this.#disown();
  }
}
