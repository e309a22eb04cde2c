/**
 * `npm run soak -- --minutes 60`: pods come and go as fast as the Engine allows, with one fault a minute; what the executor holds in the end
 * is what it held in the beginning.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Entry } from '../book.ts';
import { Conductor } from '../carry-out.ts';
import type { KindName } from '../kinds.ts';
import { Laboratory } from '../laboratory.ts';
import { faultsOfTasks } from '../promises.ts';
import { pick, randomOf } from '../random.ts';
import type { Step } from '../schedule.ts';
import { ApiTrace } from '../trace.ts';
import { heldBy, textOf } from './figures.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, engine: { type: 'string', default: 'real' }, pods: { type: 'string', default: '4' }, seed: { type: 'string', default: '1' } } });
const minutes = Number(values.minutes);
const random = randomOf(Number(values.seed));

const COMING: readonly KindName[] = ['job', 'failing', 'server', 'ready', 'staged', 'memory', 'pair'];
/** A minute each, in turn; the first one, so that all the rest is the life of one worker. */
const FIRST: Step = { do: 'crash' };
const FAULTS: readonly Step[] = [
  { do: 'agent-restart', ms: 1000, notFound: 1, recoveringMs: 500, updatesRefusedMs: 500, withCrash: false },
  { do: 'engine-down', ms: 2000 },
  { do: 'api-down', ms: 5000 },
  { do: 'engine-cut' },
  { do: 'api-watches', how: 'cut' },
  { do: 'agent-disconnect' },
  { do: 'api-faults', fault: '500', times: 20 },
  { do: 'engine-faults', fault: 'reset-after', call: 'create', times: 4 },
  { do: 'agent-faults', fault: 'reset-after', times: 4 },
];
/** What may be more at the end: pools of connections, a heap that has room. */
const MORE = { residentMB: 20, openFiles: 4, timers: 3 } as const;
/** After the last pod has gone: the executor gives memory back once all is quiet. */
const QUIET_MS = 15_000;

const folder = await mkdtemp(join(tmpdir(), 'km-soak-'));
const file = join(folder, 'held');
const failures: string[] = [];
{
  await using lab = await Laboratory.start({
    engine: values.engine === 'stand-in' ? 'stand-in' : 'real', random, kubernetes: true,
    environment: { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'preload.ts')}`, KM_SOAK: file }, flags: ['--log-level=warn'],
  });
  await lab.spawn();
  const trace = lab.api === undefined ? undefined : new ApiTrace(lab, lab.api, () => true);
  const conductor = new Conductor(lab, { seed: Number(values.seed) }, trace);
  await lab.until(() => lab.agent.subscribed);

  let pods = 0;
  let wantMore = true;
  const isOver = ({ taskId }: Entry): boolean => lab.agent.tasks.get(taskId)?.terminal === true;
  const life = async (): Promise<void> => {
    const kind = pick(random, COMING);
    const entry = conductor.launch({ kind, name: `soak-${pods++}`, bound: true });
    const lasts = (): boolean => isOver(entry) || lab.agent.tasks.get(entry.taskId)?.states.includes('TASK_RUNNING') === true;
    if (!(await lab.until(lasts))) failures.push(`${entry.name} (${kind}) has not begun`);
    await sleep(random() * 1000);
    const byUser = random() < 0.5 && !isOver(entry);
    entry.told ||= !isOver(entry);
    if (!byUser && !isOver(entry)) lab.agent.kill(entry.taskId);
    await conductor.delete(entry);
    // An order that went to a worker which was dead is given again.
    if (!(await lab.until(() => isOver(entry), 20_000))) lab.agent.kill(entry.taskId);
    if (!(await lab.until(() => isOver(entry) && conductor.object(entry) === undefined))) failures.push(`${entry.name} (${kind}) does not end`);
  };
  const quiet = async (): Promise<void> => {
    await lab.until(async () => (await lab.engine.containersOf(lab.agent.identity)).length === 0);
    await sleep(QUIET_MS);
  };
  const coming = async (ms: number): Promise<void> => {
    const until = Date.now() + ms;
    const line = async (): Promise<void> => {
      while (wantMore && Date.now() < until) await life();
    };
    await Promise.all(Array.from({ length: Number(values.pods) }, line));
  };

  const began = Date.now();
  const warm = coming(50_000);
  await sleep(20_000);
  await conductor.carryOut(FIRST);
  await warm;
  await quiet();
  const before = await heldBy(lab, file);
  const firstPods = pods;
  console.log(`after the first minute: ${textOf(before)}; ${pods} pods`);
  const left = Math.max(60_000, minutes * 60_000 - (Date.now() - began) - 2 * QUIET_MS);
  const rest = coming(left);
  const until = Date.now() + left;
  let faults = 1;
  const over = rest.then(() => (wantMore = false));
  while (Date.now() + 30_000 < until) {
    await Promise.race([sleep(Math.min(60_000, until - Date.now()) - 20_000), over]);
    const step = FAULTS[faults++ % FAULTS.length] as Step;
    await conductor.carryOut(step);
    await sleep(10_000);
    await lab.heal();
    console.log(`${((Date.now() - began) / 60_000).toFixed(1)} min: ${pods} pods, ${faults} faults, last ${step.do}`);
    await sleep(10_000);
  }
  await rest;
  await quiet();
  const after = await heldBy(lab, file);
  const took = (Date.now() - began) / 60_000;
  console.log(`after ${took.toFixed(0)} minutes: ${textOf(after)}; ${pods} pods (${((pods - firstPods) / (left / 60_000)).toFixed(0)} a minute), ${faults} faults`);
  if (after.pid !== before.pid) failures.push('the worker is another one than after the first minute');
  for (const [what, more] of Object.entries(MORE) as [keyof typeof MORE, number][]) {
    if (after[what] > before[what] + more) failures.push(`${what}: ${after[what]} at the end, ${before[what]} at the beginning`);
  }
  trace?.stop();
  failures.push(...(trace?.faults ?? []), ...faultsOfTasks(lab, conductor.book));
  const exit = await lab.shutdown();
  if (exit?.code !== 0) failures.push(`the executor ended with ${JSON.stringify(exit ?? 'nothing')}`);
  failures.push(...(await lab.leftOvers()).map((one) => `left over: ${one}`));
}
await rm(folder, { recursive: true });
for (const failure of failures) console.log(`FAILED ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);
