import { posix } from 'node:path';
import type { ValidPod } from './types.ts';

/**
 * Paths in a volume, relative to it, on which some container mounts another volume. Of mounts within mounts only the outermost is
 * in this volume. Kubernetes v1.20 pkg/volume/util/nested_volumes.go.
 */
export function nestedMountPoints({ spec }: ValidPod, volume: string): string[] {
  const found = new Set<string>();
  for (const { volumeMounts = [] } of [...(spec.initContainers ?? []), ...spec.containers]) {
    const points = volumeMounts.map(({ mountPath }) => absolute(mountPath)).sort();
    for (const { mountPath, name } of volumeMounts) {
      if (name !== volume) continue;
      const below = `${absolute(mountPath)}/`;
      const inside = points.filter((point) => point.startsWith(below));
      for (const point of inside) if (!inside.some((other) => point.startsWith(`${other}/`))) found.add(point.slice(below.length));
    }
  }
  return [...found];
}

/** Normalized, so that no path climbs out of its container, and without a slash at its end. */
function absolute(path: string): string {
  return posix.join('/', path).replace(/\/$/, '');
}
