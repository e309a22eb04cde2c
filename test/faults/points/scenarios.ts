/** Short lives of pods, in which a worker dies at one point. */
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
        this.#lab.agent.executorEnded('REASON_EXECUTOR_TERMINATED', this.#lab.exit);
        await this.#lab.spawn();
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
    if (this.#lab.exit === undefined) return;
    this.#lab.agent.executorEnded('REASON_EXECUTOR_TERMINATED', this.#lab.exit);
    await this.#lab.spawn();
  }

  ready(entry: Entry): Promise<void> {
    return this.until(() => this.#lab.agent.tasks.get(entry.taskId)?.updates.at(-1)?.status.healthy === true, `${entry.name} is ready`);
  }

  restarted(entry: Entry): Promise<void> {
    return this.until(() => this.#lab.engine.starts(entry.uid, 'main') >= 2, `${entry.name} is restarted`);
  }

  async killed(entry: Entry): Promise<void> {
    entry.told = true;
    const { agent } = this.#lab;
    const release = agent.onConnection(({ what }) => what === 'subscribed' && !this.#isOver(entry) && setImmediate(() => agent.kill(entry.taskId)));
    agent.kill(entry.taskId);
    try {
      await this.until(() => this.#isOver(entry), `${entry.name} is killed`);
    } finally {
      release();
    }
  }

  async deleted(entry: Entry): Promise<void> {
    await this.#conductor.delete(entry);
    await this.until(() => this.#conductor.object(entry) === undefined, `${entry.name} is deleted`);
    await this.until(() => this.#isOver(entry), `the task of ${entry.name} is over`);
  }

  async until(ask: () => boolean, what: string): Promise<void> {
    if (!(await this.#lab.until(ask, 40_000))) throw new Error(`not within 40 s: ${what}`);
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
];
