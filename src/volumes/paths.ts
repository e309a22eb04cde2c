import { join } from 'node:path';
import { KmError } from '../base/index.ts';
import { fileVolumeKind, type FileVolumeKind, type Volume } from '../pod/index.ts';

/** Name of the kubelet's directory for volumes of a kind (`kubernetes.io/empty-dir`, the slash escaped). */
const EMPTY_DIR = 'kubernetes.io~empty-dir';
const FILE_VOLUMES: Readonly<Record<FileVolumeKind, string>> = {
  secret: 'kubernetes.io~secret',
  configMap: 'kubernetes.io~configmap',
  downwardAPI: 'kubernetes.io~downward-api',
  projected: 'kubernetes.io~projected',
};

/** Kinds that are somebody else's files, mounted. */
export const MOUNTED_VOLUMES = { nfs: 'kubernetes.io~nfs', local: 'kubernetes.io~local-volume' } as const;

/** `<root>/pods` */
export function podsDirectory(rootDir: string): string {
  return join(rootDir, 'pods');
}

/** `<root>/pods/<uid>`. Throws code `invalid` for an uid that would lead elsewhere. */
export function podDirectory(rootDir: string, uid: string): string {
  return join(podsDirectory(rootDir), segment(uid));
}

/** `<root>/pods/<uid>/volumes/kubernetes.io~empty-dir/<name>` */
export function emptyDirPath(rootDir: string, uid: string, volume: string): string {
  return join(podDirectory(rootDir, uid), 'volumes', EMPTY_DIR, segment(volume));
}

/** `<root>/pods/<uid>/volumes/kubernetes.io~<kind>/<name>` */
export function fileVolumePath(rootDir: string, uid: string, kind: FileVolumeKind, volume: string): string {
  return join(podDirectory(rootDir, uid), 'volumes', FILE_VOLUMES[kind], segment(volume));
}

/** Where a volume is that we make ourselves; `undefined` for one from elsewhere. */
export function volumePath(rootDir: string, uid: string, volume: Volume): string | undefined {
  if (volume.emptyDir !== undefined) return emptyDirPath(rootDir, uid, volume.name);
  const kind = fileVolumeKind(volume);
  return kind === undefined ? undefined : fileVolumePath(rootDir, uid, kind, volume.name);
}

/** `<root>/pods/<uid>/volumes/kubernetes.io~<kind>/<name>`: where a volume from elsewhere is mounted. */
export function mountedVolumePath(rootDir: string, uid: string, kind: keyof typeof MOUNTED_VOLUMES, volume: string): string {
  return join(podDirectory(rootDir, uid), 'volumes', MOUNTED_VOLUMES[kind], segment(volume));
}

/** `<root>/pods/<uid>/containers/<name>`: termination messages. */
export function containerDirectory(rootDir: string, uid: string, container: string): string {
  return join(podDirectory(rootDir, uid), 'containers', segment(container));
}

/** `<root>/pods/<uid>/volume-subpaths/<volume>/<container>/<index>`: where a mount's subPath is held fast. */
export function subPathTarget(rootDir: string, uid: string, volume: string, container: string, index: number): string {
  return join(podDirectory(rootDir, uid), 'volume-subpaths', segment(volume), segment(container), String(index));
}

/** One name in a path: whatever the pod is called, it stays in its place. */
function segment(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$/.test(name)) return name;
  throw new KmError('invalid', `"${name}" cannot be the name of a directory`);
}
