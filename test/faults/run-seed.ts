/** One seeded run: a schedule is carried out, everything heals and comes to its end, and the promises are checked. */
import type { Pod } from '../../src/pod/index.ts';
import type { EngineKind } from './lab-engine.ts';
import { kindOf, type Entry } from './book.ts';
import { Conductor } from './carry-out.ts';
import { Laboratory } from './laboratory.ts';
import { faultsOfApi, faultsOfContainers, faultsOfGroups, faultsOfLog, faultsOfTasks } from './promises.ts';
import { randomOf } from './random.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import { ApiTrace } from './trace.ts';

export interface Outcome {
  readonly schedule: Schedule;
  /** Promises that were broken; empty when all held. */
  readonly faults: readonly string[];
  readonly log: string;
  readonly cpuSeconds: number;
}

export async function runSeed(seed: number, engine: EngineKind): Promise<Outcome> {
  const schedule = scheduleOf(seed, engine === 'real');
  const random = randomOf(seed ^ 0xe7617e);
  await using lab = await Laboratory.start({ engine, random, kubernetes: schedule.kubernetes, smallDisk: schedule.smallDisk, contained: schedule.contained, flags: [`--content-type=${schedule.contentType}`] });
  const faults: string[] = [];
  try {
    await lab.spawn();
    const trace = lab.api === undefined ? undefined : new ApiTrace(lab, lab.api, (uid) => conductor.book.some((entry) => entry.uid === uid && entry.forced));
    const conductor: Conductor = new Conductor(lab, schedule, trace);
    for (const step of schedule.steps) await conductor.carryOut(step);
    lab.note('everything heals');
    await lab.heal();
    faults.push(...(await comeToAnEnd(lab, conductor, schedule)));
    trace?.stop();
    faults.push(...(trace?.faults ?? []), ...faultsOfTasks(lab, conductor.book), ...faultsOfContainers(lab, conductor.book), ...faultsOfGroups(lab, conductor.book), ...faultsOfLog(lab.log));
  } catch (error) {
    faults.push(`the run itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  for (const fault of faults) lab.note(`BROKEN: ${fault}`);
  return { schedule, faults, log: lab.log, cpuSeconds: lab.cpuSeconds };
}

async function comeToAnEnd(lab: Laboratory, conductor: Conductor, { endsInShutdown }: Schedule): Promise<string[]> {
  const { book } = conductor;
  const { agent } = lab;
  const faults: string[] = [];
  const isOver = ({ taskId }: Entry): boolean => agent.tasks.get(taskId)?.terminal === true;
  const runs = ({ taskId }: Entry): boolean => agent.tasks.get(taskId)?.states.includes('TASK_RUNNING') === true;
  // An init container that was taken away runs once more, finds what it has written, and fails.
  const isStuck = (entry: Entry): boolean => kindOf(entry).stuck === true || (entry.hit && kindOf(entry).writes === true);
  const wait = async (what: string, ask: () => boolean | Promise<boolean>): Promise<void> => {
    if (!(await lab.until(ask))) faults.push(`not within two minutes: ${what}`);
  };
  const names = (entries: readonly Entry[]): string => entries.map(({ name, kind }) => `${name} (${kind})`).join(', ');

  await wait('the executor is subscribed', () => agent.subscribed || lab.exit !== undefined);
  if (lab.toldToEnd) {
    // All tasks were killed before it could subscribe: the agent has ended it, and starts another one for the next task.
    await wait('the executor ends', () => lab.exit !== undefined);
    agent.executorEnded('REASON_EXECUTOR_TERMINATED', lab.exit ?? { code: null, signal: null });
    conductor.launch({ kind: 'server', name: 'pod-of-the-next', bound: true });
    await lab.spawn();
    await wait('the next executor is subscribed', () => agent.subscribed);
  }
  // What ends by itself does so; what does not is running, unless it was told to end.
  const settled = (entry: Entry): boolean => isOver(entry) || (kindOf(entry).ends === undefined && (entry.told || isStuck(entry) || runs(entry)));
  const ended = await lab.until(() => book.every((entry) => entry.told || settled(entry)));
  if (!ended) faults.push(`neither running nor ended after two minutes: ${names(book.filter((entry) => !entry.told && !settled(entry)))}`);

  if (!endsInShutdown) {
    const killed = new Set<Entry>();
    // An order that goes to a worker which is just leaving is lost with it: frameworks give it again.
    const release = agent.onConnection(({ what }) => what === 'subscribed' && setImmediate(() => killed.forEach((entry) => isOver(entry) || agent.kill(entry.taskId))));
    for (const [nth, entry] of book.entries()) {
      const wasOver = isOver(entry);
      // What the API deletes before the executor has seen it there, runs on from its task alone.
      const seen = (conductor.object(entry) as Pod | undefined)?.spec?.nodeName !== undefined;
      if (!wasOver && (!seen || nth % 2 === 0)) {
        agent.kill(entry.taskId);
        killed.add(entry);
      }
      entry.told ||= !wasOver;
    }
    await wait('deletions are taken', () => Promise.all(book.map((entry) => conductor.delete(entry))).then(() => true));
    const over = await lab.until(() => book.every(isOver));
    if (!over) faults.push(`told to end and not ended after two minutes: ${names(book.filter((entry) => !isOver(entry)))}`);
    await lab.until(() => book.every((entry) => conductor.object(entry) === undefined));
    for (const entry of book) if (conductor.object(entry) !== undefined) faults.push(`pod ${entry.name} (${entry.kind}) is deleted and still in the API after two minutes`);
    release();
    await wait('no container is left', async () => (await lab.engine.containersOf(agent.identity)).length === 0);
    await wait('no file of a pod is open', async () => (await lab.heldFiles()).length === 0);
  } else {
    for (const entry of book) entry.told ||= !isOver(entry);
  }
  lab.note('SHUTDOWN');
  const exit = await lab.shutdown();
  if (exit === undefined || exit.code !== 0) faults.push(`the executor ended with ${JSON.stringify(exit ?? 'nothing')}`);
  if (!endsInShutdown) faults.push(...faultsOfApi(conductor));
  faults.push(...(await lab.leftOvers(book.map(({ uid }) => uid))).map((left) => `left over: ${left}`));
  return faults;
}
