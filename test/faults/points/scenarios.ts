/** Short lives of pods, in which a worker dies at one point. */
import type { ProcessExit } from '../../../src/harness/index.ts';
import { killPolicy } from '../../support/executor-under-test.ts';
import type { Entry } from '../book.ts';
import type { Conductor } from '../carry-out.ts';
import type { KindName } from '../kinds.ts';
import type { Laboratory } from '../laboratory.ts';

export interface Scenario {
  readonly name: string;
  /** The worker whose points are tried. */
  readonly worker: number;
  readonly play: (actors: Actors) => Promise<void>;
}

/** What a framework and a user do until it is done: an order that went to a dead worker is given again. */
export class Actors {
  readonly #lab: Laboratory;
  readonly #conductor: Conductor;
  #names = 0;
  #next: Promise<void> | undefined;

  constructor(lab: Laboratory, conductor: Conductor) {
    this.#lab = lab;
    this.#conductor = conductor;
  }

  crash(): Promise<void> {
    return this.until(() => this.#lab.crash(), 'there is a worker to crash');
  }

  /** Launches such a pod, and another one where the agent says that the first was lost; resolves when one has come to `state`. */
  async launched(kind: KindName, state: string): Promise<Entry> {
    for (let tries = 0; tries < 4; tries++) {
      const entry = this.#conductor.launch({ kind, name: `pod-${this.#names++}`, bound: true });
      await this.until(() => this.#states(entry).includes(state) || this.#isOver(entry) || this.#lab.exit !== undefined, `${entry.name} is ${state}`);
      if (this.#states(entry).includes(state)) return entry;
      if (this.#lab.agent.terminating) await this.until(() => this.#lab.exit !== undefined, 'the executor that has nothing left is gone');
      if (this.#lab.exit !== undefined) {
        // All that it was started for was lost, and the agent has shut it down: it starts another one for the next task.
        await this.#another(this.#lab.exit);
      }
      if (this.#lab.agent.tasks.get(entry.taskId)?.updates.at(-1)?.from !== 'agent') throw new Error(`${entry.name} is ${this.#states(entry).join(' ')}, not ${state}`);
      entry.told = true;
      await this.#conductor.delete(entry, 0);
    }
    throw new Error(`four launches of a ${kind} were lost`);
  }

  /** Launches a group; resolves when all of it is over. */
  async groupOver(kinds: readonly [KindName, KindName]): Promise<void> {
    await this.#conductor.carryOut({ do: 'launch-group', kinds, names: [`pod-${this.#names++}`, `pod-${this.#names++}`] });
    const group = this.#conductor.book.slice(-kinds.length);
    await this.until(() => group.every((entry) => this.#isOver(entry)) || this.#lab.exit !== undefined, 'the group is over');
    if (this.#lab.agent.terminating) await this.until(() => this.#lab.exit !== undefined, 'the executor that has nothing left is gone');
    if (this.#lab.exit !== undefined) await this.#another(this.#lab.exit);
  }

  ready(entry: Entry): Promise<void> {
    return this.until(() => this.#lab.agent.tasks.get(entry.taskId)?.updates.at(-1)?.status.healthy === true, `${entry.name} is ready`);
  }

  restarted(entry: Entry): Promise<void> {
    return this.until(() => this.#lab.engine.starts(entry.uid, 'main') >= 2, `${entry.name} is restarted`);
  }

  async killed(entry: Entry, graceMs?: number): Promise<void> {
    entry.told = true;
    const { agent } = this.#lab;
    const kill = (): void => agent.kill(entry.taskId, graceMs === undefined ? undefined : killPolicy(graceMs));
    const release = agent.onConnection(({ what }) => what === 'subscribed' && !this.#isOver(entry) && setImmediate(kill));
    kill();
    try {
      await this.until(() => this.#isOver(entry), `${entry.name} is killed`);
    } finally {
      release();
    }
  }

  /** Tells the API that it is to end, with all the time that its spec gives it. */
  deletes(entry: Entry): Promise<void> {
    return this.#conductor.delete(entry);
  }

  /** Tells the executor to begin anew; resolves when another worker is there. */
  async begunAnew(): Promise<void> {
    const { agent } = this.#lab;
    await this.until(() => this.#lab.worker() !== undefined, 'there is a worker');
    const before = this.#lab.worker();
    const isAnother = (): boolean => ![undefined, before].includes(this.#lab.worker());
    const tell = (): Promise<void> => this.#conductor.carryOut({ do: 'restart' });
    const release = agent.onConnection(({ what }) => what === 'subscribed' && !isAnother() && setImmediate(() => void tell()));
    await tell();
    try {
      await this.until(() => isAnother() && agent.subscribed, 'another worker has taken over');
    } finally {
      release();
    }
  }

  async deleted(entry: Entry): Promise<void> {
    await this.deletes(entry);
    await this.until(() => this.#conductor.object(entry) === undefined, `${entry.name} is deleted`);
    await this.until(() => this.#isOver(entry), `the task of ${entry.name} is over`);
  }

  async until(ask: () => boolean, what: string): Promise<void> {
    if (!(await this.#lab.until(ask, 40_000))) throw new Error(`not within 40 s: ${what}`);
  }

  /** Starts one executor, for all who wait for it. */
  #another(exit: ProcessExit): Promise<void> {
    this.#next ??= (async () => {
      this.#lab.agent.executorEnded('REASON_EXECUTOR_TERMINATED', exit);
      await this.#lab.spawn();
    })().finally(() => {
      this.#next = undefined;
    });
    return this.#next;
  }

  #states({ taskId }: Entry): readonly string[] {
    return this.#lab.agent.tasks.get(taskId)?.states ?? [];
  }

  #isOver({ taskId }: Entry): boolean {
    return this.#lab.agent.tasks.get(taskId)?.terminal === true;
  }
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'launched-and-killed',
    worker: 1,
    play: async (actors) => {
      const pod = await actors.launched('whole', 'TASK_RUNNING');
      await actors.ready(pod);
      await actors.killed(pod);
      await actors.deleted(pod);
    },
  },
  {
    name: 'ended-restarted-deleted',
    worker: 1,
    play: async (actors) => {
      const job = await actors.launched('failing', 'TASK_FAILED');
      const crashing = await actors.launched('crashing', 'TASK_RUNNING');
      await actors.restarted(crashing);
      await Promise.all([actors.deleted(job), actors.deleted(crashing)]);
    },
  },
  {
    name: 'taken-up',
    worker: 2,
    play: async (actors) => {
      const pod = await actors.launched('whole', 'TASK_RUNNING');
      const job = actors.launched('job', 'TASK_FINISHED');
      await actors.ready(pod);
      await actors.crash();
      await job;
      await actors.deleted(pod);
    },
  },
  {
    name: 'groups',
    worker: 1,
    play: async (actors) => {
      await actors.groupOver(['server', 'invalid']);
      await actors.groupOver(['job', 'failing']);
    },
  },
  {
    name: 'refused',
    worker: 1,
    play: async (actors) => {
      await actors.deleted(await actors.launched('huge', 'TASK_FAILED'));
    },
  },
  {
    name: 'shut-down',
    worker: 2,
    play: async (actors) => {
      await actors.ready(await actors.launched('whole', 'TASK_RUNNING'));
      await actors.crash();
    },
  },
  {
    name: 'shut-down-at-once',
    worker: 1,
    play: async (actors) => {
      await actors.launched('staged', 'TASK_STARTING');
    },
  },
  {
    name: 'shut-down-in-order',
    worker: 1,
    play: async (actors) => {
      await Promise.all([actors.launched('stubborn', 'TASK_RUNNING'), actors.launched('server', 'TASK_RUNNING')]);
    },
  },
  {
    name: 'stubborn',
    worker: 1,
    play: async (actors) => {
      const [pod, deaf] = await Promise.all([actors.launched('stubborn', 'TASK_RUNNING'), actors.launched('deaf', 'TASK_RUNNING')]);
      await Promise.all([actors.killed(pod), actors.deletes(deaf)]);
      await actors.killed(deaf, 500);
      await actors.deleted(deaf);
    },
  },
  {
    name: 'hooked-and-unlively',
    worker: 1,
    play: async (actors) => {
      const [hooked, unlively] = await Promise.all([actors.launched('hooked', 'TASK_RUNNING'), actors.launched('unlively', 'TASK_RUNNING'), actors.launched('explaining', 'TASK_FAILED')]);
      await actors.restarted(unlively);
      await Promise.all([actors.deleted(hooked), actors.killed(unlively)]);
    },
  },
  {
    name: 'docker-tasks',
    worker: 1,
    play: async (actors) => {
      const [server] = await Promise.all([actors.launched('docker', 'TASK_RUNNING'), actors.launched('docker-job', 'TASK_FINISHED')]);
      await actors.ready(server);
      await actors.killed(server);
    },
  },
  {
    name: 'told-to-begin-anew',
    worker: 1,
    play: async (actors) => {
      const pod = await actors.launched('whole', 'TASK_RUNNING');
      await actors.ready(pod);
      await actors.begunAnew();
      await actors.deleted(pod);
    },
  },
];
