import type { Volume } from './types.ts';

/** The kinds of volumes whose files we write, and nobody else. */
const FILE_KINDS = ['secret', 'configMap', 'downwardAPI', 'projected'] as const;
export type FileVolumeKind = (typeof FILE_KINDS)[number];

/** Which of those a volume is; undefined for all other kinds. */
export function fileVolumeKind(volume: Volume): FileVolumeKind | undefined {
  return FILE_KINDS.find((kind) => volume[kind] !== undefined);
}
