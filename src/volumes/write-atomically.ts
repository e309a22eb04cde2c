import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { KmError } from '../base/index.ts';
import type { VolumeFile, VolumeFiles } from '../pod/index.ts';
import { fileWork, unless } from './file-error.ts';

/*
 * What a container sees is `name -> ..data/name` and `..data -> ..<time>.<random>`, a directory that is written once and never changed: one
 * rename of `..data` takes all files from one state to the next. Programs that watch a volume rely on this layout.
 * Kubernetes v1.20 pkg/volume/util/atomic_writer.go.
 */
const DATA = '..data';
const NEW_DATA = '..data_tmp';
const RESERVED = '..';

const LONGEST_PATH = 4096;
const LONGEST_NAME = 255;
const DIRECTORY_MODE = 0o755;
const GROUP_READS = 0o440;
const GROUP_ENTERS = 0o2550;

/**
 * Makes `directory` hold exactly these files, from one moment to the next: whoever opens one sees all of the old state or all of the new
 * one. Nothing is written when nothing changes. What an earlier call has left half done is cleared away. `group` may read all files.
 * One call at a time for a directory. Throws code `invalid` for a path that leaves the directory or meets its inner names.
 */
export async function writeAtomically(directory: string, files: VolumeFiles, group?: number): Promise<void> {
  const clean = new Map([...files].map(([path, file]) => [checkedPath(path), file]));
  await fileWork('writing the files of a volume', async () => {
    const current = await unless(['ENOENT'], readlink(join(directory, DATA)));
    if (current === undefined || !(await holds(join(directory, current), clean))) {
      const next = await writeState(directory, clean, group);
      await makeLinks(directory, clean);
      await rm(join(directory, NEW_DATA), { force: true });
      await symlink(next, join(directory, NEW_DATA));
      await rename(join(directory, NEW_DATA), join(directory, DATA));
    }
    await clearAway(directory, clean);
  });
}

function checkedPath(path: string): string {
  const parts = path.split('/');
  const fault =
    path === ''
      ? 'must not be empty'
      : path.startsWith('/')
        ? 'must be relative path'
        : Buffer.byteLength(path) > LONGEST_PATH
          ? `must be less than or equal to ${LONGEST_PATH} characters`
          : parts.includes('..')
            ? "must not contain '..'"
            : parts.some((part) => Buffer.byteLength(part) > LONGEST_NAME)
              ? `filenames must be less than or equal to ${LONGEST_NAME} characters`
              : normalize(path).startsWith(RESERVED)
                ? "must not start with '..'"
                : undefined;
  if (fault !== undefined) throw new KmError('invalid', `invalid path: ${fault}: ${path.slice(0, LONGEST_NAME)}`);
  return normalize(path).replace(/\/$/, '');
}

/** Whether a state is what it shall be: these files with this content, and no others. */
async function holds(state: string, files: VolumeFiles): Promise<boolean> {
  const entries = await unless(['ENOENT'], readdir(state, { recursive: true, withFileTypes: true }));
  if (entries === undefined) return false;
  const found = entries.filter((entry) => !entry.isDirectory());
  if (found.length !== files.size) return false;
  for (const [path, { data }] of files) {
    const content = await unless(['ENOENT', 'ENOTDIR', 'EISDIR'], readFile(join(state, path)));
    if (content === undefined || !data.equals(content)) return false;
  }
  return true;
}

/** Writes a new state and returns its name. */
async function writeState(directory: string, files: VolumeFiles, group: number | undefined): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-T:]/g, '_');
  const name = `..${time}.${randomBytes(5).toString('hex')}`;
  const state = join(directory, name);
  await makeDirectories(state, ['.'], group);
  for (const [path, file] of files) {
    const parts = dirname(path).split('/');
    await makeDirectories(state, parts.map((_part, i) => parts.slice(0, i + 1).join('/')), group);
    await writeOne(join(state, path), file, group);
  }
  return name;
}

async function makeDirectories(state: string, paths: readonly string[], group: number | undefined): Promise<void> {
  for (const path of paths) {
    const directory = join(state, path);
    if ((await unless(['EEXIST'], mkdir(directory).then(() => true))) !== true) continue;
    if (group !== undefined) await chown(directory, -1, group);
    // Not by the mode of its making, which obeys the umask; after chown, which takes the set-group-id bit away.
    await chmod(directory, group === undefined ? DIRECTORY_MODE : DIRECTORY_MODE | GROUP_ENTERS);
  }
}

async function writeOne(path: string, { data, mode, user }: VolumeFile, group: number | undefined): Promise<void> {
  await writeFile(path, data, { flag: 'wx', mode: 0o600 });
  if (user !== undefined || group !== undefined) await chown(path, user ?? -1, group ?? -1);
  await chmod(path, group === undefined ? mode : mode | GROUP_READS);
}

const topOf = (path: string): string => path.split('/', 1)[0] ?? path;

/** Names that are there stay: links of an earlier state, or directories that other volumes are mounted on. */
async function makeLinks(directory: string, files: VolumeFiles): Promise<void> {
  for (const name of new Set([...files.keys()].map(topOf))) await unless(['EEXIST'], symlink(join(DATA, name), join(directory, name)));
}

/** Takes away names of files that are no more, states that are not the current one, and what a death at the wrong moment has left. */
async function clearAway(directory: string, files: VolumeFiles): Promise<void> {
  const current = await readlink(join(directory, DATA));
  const wanted = new Set([...[...files.keys()].map(topOf), DATA, current]);
  for (const name of await readdir(directory)) {
    if (wanted.has(name)) continue;
    const path = join(directory, name);
    if (name.startsWith(RESERVED)) await rm(path, { recursive: true, force: true });
    else if ((await lstat(path)).isSymbolicLink()) await rm(path, { force: true });
  }
}
