import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The process that runs an executor, told apart from every other one of this machine's. */
interface Process {
  readonly pid: number;
  /** Ticks since the boot (/proc/PID/stat): a pid is given away again. */
  readonly started: string;
  /** Pids mean nothing elsewhere. */
  readonly pidNamespace: string;
  readonly bootId: string;
}

/** An executor with this root directory, as it wrote itself down when it began. */
export interface Owner {
  readonly frameworkId: string;
  readonly executorId: string;
  readonly process: Process;
}

/** The name of an executor's files below the root directory. */
export function ownerName({ frameworkId, executorId }: Pick<Owner, 'frameworkId' | 'executorId'>): string {
  return `${frameworkId}.${executorId}`.replaceAll(/[^\w.-]/g, '_');
}

/** Writes down that the process `pid` (the one that the agent watches) runs this executor, until `disown`. */
export function own(rootDir: string, { frameworkId, executorId }: Pick<Owner, 'frameworkId' | 'executorId'>, pid: number): void {
  const owner: Owner = { frameworkId, executorId, process: { pid, started: startOf(pid) ?? '', pidNamespace: pidNamespace(), bootId: bootId() } };
  const path = pathOf(rootDir, owner);
  const text = JSON.stringify(owner);
  if (orEmpty(() => readFileSync(path, 'utf8')) === text) return; // by the worker before this one: a full disk is no fault then
  mkdirSync(join(rootDir, 'owners'), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function disown(rootDir: string, owner: Pick<Owner, 'frameworkId' | 'executorId'>): void {
  rmSync(pathOf(rootDir, owner), { force: true });
}

/** All executors of this root directory that have not ended in order. */
export function ownersOf(rootDir: string): Owner[] {
  let names: string[];
  try {
    names = readdirSync(join(rootDir, 'owners'));
  } catch {
    return []; // no executor has ever been here
  }
  return names.filter((name) => name.endsWith('.json')).flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(rootDir, 'owners', name), 'utf8')) as Owner];
    } catch {
      return []; // it goes just now, or is none of ours
    }
  });
}

/** Whether another executor with this root directory lives on this machine, as far as anybody knows. */
export function hasCompany(rootDir: string, self: Pick<Owner, 'frameworkId' | 'executorId'>): boolean {
  return ownersOf(rootDir).some((owner) => ownerName(owner) !== ownerName(self) && !isDead(owner));
}

/** Whether it is certain that the executor has ended. One whose pid we cannot look up counts as alive. */
export function isDead({ process: { pid, started, pidNamespace: namespace, bootId: boot } }: Owner): boolean {
  if (boot !== '' && bootId() !== '' && boot !== bootId()) return true;
  return namespace === pidNamespace() && namespace !== '' && started !== '' && startOf(pid) !== started;
}

function pathOf(rootDir: string, owner: Pick<Owner, 'frameworkId' | 'executorId'>): string {
  return join(rootDir, 'owners', `${ownerName(owner)}.json`);
}

/** `undefined` when there is no such process, or only what its parent has not waited for yet. */
function startOf(pid: number): string | undefined {
  const text = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function pidNamespace(): string {
  return orEmpty(() => readlinkSync('/proc/self/ns/pid'));
}

/** Of the running system; empty where it has none. */
export function bootId(): string {
  return orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
