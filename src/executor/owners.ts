import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OwnerProcess, processOf, sightOf } from './owner-process.ts';

/** An executor with this root directory, as it wrote itself down when it began. */
export interface Owner {
  readonly frameworkId: string;
  readonly executorId: string;
  readonly process: OwnerProcess;
}

/** The name of an executor's files below the root directory. */
export function ownerName({ frameworkId, executorId }: Pick<Owner, 'frameworkId' | 'executorId'>): string {
  return `${frameworkId}.${executorId}`.replaceAll(/[^\w.-]/g, '_');
}

/** Writes down that the process `pid` (the one that the agent watches) runs this executor, until `disown`. False when that is written down already. */
export function own(rootDir: string, { frameworkId, executorId }: Pick<Owner, 'frameworkId' | 'executorId'>, pid: number): boolean {
  const owner: Owner = { frameworkId, executorId, process: processOf(pid) };
  const path = pathOf(rootDir, owner);
  const text = JSON.stringify(owner);
  if (readOrEmpty(path) === text) return false; // by the worker before this one: a full disk is no fault then
  mkdirSync(join(rootDir, 'owners'), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return true;
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

/** Whether it is certain that the executor has ended. One of whose process we cannot know counts as alive. */
export function isDead({ process }: Owner): boolean {
  return sightOf(process).is === 'ended';
}

/** Whether that is still the last process that has run the executor: another one may have begun since. */
export function isLast(rootDir: string, owner: Owner): boolean {
  return readOrEmpty(pathOf(rootDir, owner)) === JSON.stringify(owner);
}

function pathOf(rootDir: string, owner: Pick<Owner, 'frameworkId' | 'executorId'>): string {
  return join(rootDir, 'owners', `${ownerName(owner)}.json`);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
