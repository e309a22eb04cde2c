/** The images of the suite, stood in for by ones that are built here from Debian's packages and Kubernetes' source. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage } from '../build-image.ts';
import type { EngineConnection } from '../engine-api.ts';

/** No registry has this name: what the suite asks for is what was built, and no public image is shadowed. */
const REGISTRY = 'conformance.invalid';

/** Where the suite looks for its images (Kubernetes v1.20 test/utils/image/manifest.go); those not named here keep their places. */
export const REGISTRIES = {
  dockerLibraryRegistry: `${REGISTRY}/library`,
  e2eRegistry: `${REGISTRY}/e2e`,
  gcRegistry: `${REGISTRY}/gc`,
} as const;

interface SuiteImage {
  /** Folder below `docker/`. */
  readonly folder: string;
  readonly references: readonly string[];
}

export const PAUSE = `${REGISTRIES.gcRegistry}/pause:3.2`;
export const BUSYBOX = `${REGISTRIES.dockerLibraryRegistry}/busybox:1.29`;
export const AGNHOST = `${REGISTRIES.e2eRegistry}/agnhost:2.21`;

const IMAGES: readonly SuiteImage[] = [
  { folder: 'pause', references: [PAUSE] },
  { folder: 'busybox', references: [BUSYBOX] },
  { folder: 'nginx', references: [`${REGISTRIES.dockerLibraryRegistry}/nginx:1.14-alpine`, `${REGISTRIES.dockerLibraryRegistry}/nginx:1.15-alpine`] },
  { folder: 'httpd', references: [`${REGISTRIES.dockerLibraryRegistry}/httpd:2.4.38-alpine`, `${REGISTRIES.dockerLibraryRegistry}/httpd:2.4.39-alpine`] },
  // agnhost has all that specs run in the other one.
  { folder: 'agnhost', references: [AGNHOST, `${REGISTRIES.e2eRegistry}/jessie-dnsutils:1.0`] },
  { folder: 'nonewprivs', references: [`${REGISTRIES.e2eRegistry}/nonewprivs:1.0`] },
  { folder: 'nonroot', references: [`${REGISTRIES.e2eRegistry}/nonroot:1.0`] },
];

/** On an image: of what it was built. */
const SUM_LABEL = 'conformance.sum';

/** Builds those that the Engine lacks or that were built of something else; a line for each. */
export async function provideImages(engine: EngineConnection): Promise<void> {
  for (const { folder, references } of IMAGES) {
    const sum = sumOf(folder);
    if ((await Promise.all(references.map((reference) => sumIn(engine, reference)))).every((built) => built === sum)) continue;
    const began = performance.now();
    await buildImage(engine, references, folder, { [SUM_LABEL]: sum });
    console.log(`  image   ${references.join(', ')}: built from docker/${folder}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
}

/** Of the folder and the script that all of them share. */
function sumOf(folder: string): string {
  const docker = join(import.meta.dirname, '../../docker');
  const files = ['debian.sh', ...readdirSync(join(docker, folder)).sort().map((name) => join(folder, name))];
  return files.reduce((hash, file) => hash.update(readFileSync(join(docker, file))), createHash('sha256')).digest('hex');
}

async function sumIn(engine: EngineConnection, reference: string): Promise<string | undefined> {
  const { status, text } = await engine.request('GET', `/images/${reference}/json`);
  if (status !== 200) return undefined;
  return (JSON.parse(text) as { Config?: { Labels?: Record<string, string> | null } }).Config?.Labels?.[SUM_LABEL];
}
