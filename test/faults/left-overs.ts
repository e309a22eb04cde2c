/** What an executor has left on this machine. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { processesOfSession } from '../../bench/processes.ts';

export interface Left {
  /** All that the executor wrote is below it. */
  readonly dir: string;
  /** Of each executor that was started. */
  readonly sessions: readonly number[];
  /** Of every pod. */
  readonly uids: readonly string[];
}

/** Files that stay: what the next executor on this agent has too. */
const STAYS = /^root\/(pki|kubelet\.(crt|key)|tls)/;

/** Files, mounts, processes (also such as have left their session) and cgroups, a line each. */
export async function leftOnMachine({ dir, sessions, uids }: Left): Promise<string[]> {
  const [files, mounts, processes, cgroups] = await Promise.all([filesOf(dir), mountsBelow(dir), processesOf(dir, sessions), cgroupsOf(uids)]);
  return [...files, ...mounts, ...processes, ...cgroups];
}

/** Files of pods that the processes of a session hold open although the pods are gone. */
export async function heldFiles(dir: string, session: number): Promise<string[]> {
  const held = await Promise.all(processesOfSession(session).map(async ({ pid }) => {
    const all = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(all.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    return links.filter((link) => link.startsWith(join(dir, 'root/pods')) || link.startsWith(join(dir, 'log'))).map((link) => `open file ${link} of process ${pid}`);
  }));
  return held.flat();
}

async function filesOf(dir: string): Promise<string[]> {
  const below = async (part: string): Promise<string[]> => {
    const entries = await readdir(join(dir, part), { withFileTypes: true, recursive: true }).catch(() => []);
    return entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name).slice(dir.length + 1));
  };
  // Of pods and logs the folders count too.
  const folders = (await Promise.all(['root/pods', 'log/pods'].map(async (part) => (await readdir(join(dir, part)).catch(() => [])).map((name) => `${part}/${name}`)))).flat();
  const files = (await Promise.all(['root', 'log'].map(below))).flat().filter((file) => !STAYS.test(file));
  return [...new Set([...folders, ...files])].map((file) => `file ${file}`);
}

async function mountsBelow(dir: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  return lines.filter((line) => line.includes(dir) && !line.startsWith('km-faults ')).map((line) => `mount ${line}`);
}

async function processesOf(dir: string, sessions: readonly number[]): Promise<string[]> {
  const ours = sessions.flatMap(processesOfSession).map(({ pid, command }) => `process ${pid} ${command}`);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const strays = await Promise.all(pids.map(async (pid) => {
    const [environment, command] = await Promise.all(['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')));
    return environment?.includes(`=${dir}/sandbox-`) === true && !ours.some((line) => line.startsWith(`process ${pid} `)) ? [`process ${pid} ${(command ?? '').replaceAll('\0', ' ')}`] : [];
  }));
  return [...ours, ...strays.flat()];
}

async function cgroupsOf(uids: readonly string[]): Promise<string[]> {
  const entries = await readdir('/sys/fs/cgroup', { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && uids.some((uid) => entry.name.includes(uid))).map(({ parentPath, name }) => `cgroup ${join(parentPath, name)}`);
}
