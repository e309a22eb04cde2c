/** A scenario with a worker that dies at one point: played to its end, and the promises checked. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Conductor } from '../carry-out.ts';
import { Laboratory } from '../laboratory.ts';
import { faultsOfContainers, faultsOfGroups, faultsOfLog, faultsOfReadiness, faultsOfTasks } from '../promises.ts';
import { randomOf } from '../random.ts';
import { ApiTrace } from '../trace.ts';
import type { Plan, Point } from './preload.ts';
import { Actors, type Scenario } from './scenarios.ts';

export interface PointOutcome {
  readonly faults: readonly string[];
  readonly log: string;
  /** What the worker came by, where it was to tell. */
  readonly points: readonly Point[];
  readonly cpuSeconds: number;
}

const PRELOAD = join(import.meta.dirname, 'preload.ts');

export async function runPoint(scenario: Scenario, point?: Point): Promise<PointOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'km-points-'));
  const plan: Plan = { worker: scenario.worker, ...(point !== undefined && { point }) };
  await writeFile(join(folder, 'plan'), JSON.stringify(plan));
  const environment = { NODE_OPTIONS: `--import=${PRELOAD}`, KM_FAULTS: folder };
  try {
    await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: true, environment });
    const faults = await play(lab, scenario);
    for (const fault of faults) lab.note(`BROKEN: ${fault}`);
    return { faults, log: lab.log, points: point === undefined ? await pointsIn(join(folder, 'points')) : [], cpuSeconds: lab.cpuSeconds };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function play(lab: Laboratory, scenario: Scenario): Promise<string[]> {
  const faults: string[] = [];
  lab.api?.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { key: 'value' } });
  const trace = lab.api === undefined ? undefined : new ApiTrace(lab, lab.api, (uid) => conductor.book.some((entry) => entry.uid === uid && entry.forced));
  const conductor: Conductor = new Conductor(lab, { seed: 1 }, trace);
  try {
    await mkdir(lab.rootDir, { recursive: true });
    await lab.spawn();
    await scenario.play(new Actors(lab, conductor));
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  for (const entry of conductor.book) entry.told ||= lab.agent.tasks.get(entry.taskId)?.terminal !== true;
  const exit = await lab.shutdown();
  if (exit?.code !== 0) faults.push(`the executor ended with ${JSON.stringify(exit ?? 'nothing')}`);
  faults.push(...(await lab.leftOvers(conductor.book.map(({ uid }) => uid))).map((left) => `left over: ${left}`));
  trace?.stop();
  faults.push(...(trace?.faults ?? []), ...faultsOfTasks(lab, conductor.book), ...faultsOfContainers(lab, conductor.book), ...faultsOfGroups(lab, conductor.book), ...faultsOfReadiness(lab, conductor.book), ...faultsOfLog(lab.log));
  return faults;
}

/** Each call of the record twice, before and behind it; what the journal wrote also half. */
async function pointsIn(file: string): Promise<Point[]> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  return lines.flatMap<Point>((line) => {
    const [name = '', nth = ''] = line.split(' ');
    const both = (['before', 'after'] as const).map((when) => ({ name, nth: Number(nth), when }));
    return name === 'journal.write' ? [{ name, nth: Number(nth), when: 'torn' as const }] : both;
  });
}

export interface PointOfScenario {
  readonly scenario: Scenario;
  readonly point: Point;
}

/** All points that the scenarios come by when nothing breaks. Throws when something does. */
export async function allPoints(scenarios: readonly Scenario[]): Promise<PointOfScenario[]> {
  const found = await Promise.all(scenarios.map(async (scenario) => {
    const { points, faults } = await runPoint(scenario);
    if (faults.length > 0) throw new Error(`${scenario.name} fails without any fault: ${faults.join('; ')}`);
    return points.map((point) => ({ scenario, point }));
  }));
  return found.flat();
}

/** `engine.create 2 after`. */
export function parsePoint(text: string): Point {
  const [name = '', nth = '', when = ''] = text.split(' ');
  if (!/^[1-9]\d*$/.test(nth) || !['before', 'after', 'torn'].includes(when)) throw new Error(`"${text}" is no point: want something like "engine.create 2 after"`);
  return { name, nth: Number(nth), when: when as Point['when'] };
}
