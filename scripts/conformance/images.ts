/** The images of the suite, stood in for by ones that are built here from Debian's packages and Kubernetes' source. */
import { buildImage } from '../build-image.ts';
import type { EngineConnection } from '../engine-api.ts';

/** No registry has this name: what the suite asks for is what was built, and no public image is shadowed. */
const REGISTRY = 'conformance.invalid';

/** Where the suite looks for its images (Kubernetes v1.20 test/utils/image/manifest.go); those not named here keep their places. */
export const REGISTRIES = {
  dockerLibraryRegistry: `${REGISTRY}/library`,
  e2eRegistry: `${REGISTRY}/e2e`,
  promoterE2eRegistry: `${REGISTRY}/e2e`,
  gcRegistry: `${REGISTRY}/gc`,
} as const;

interface SuiteImage {
  /** Folder below `docker/`. */
  readonly folder: string;
  readonly references: readonly string[];
}

export const PAUSE = `${REGISTRIES.gcRegistry}/pause:3.2`;

const IMAGES: readonly SuiteImage[] = [
  { folder: 'pause', references: [PAUSE] },
  { folder: 'busybox', references: [`${REGISTRIES.dockerLibraryRegistry}/busybox:1.29`] },
  { folder: 'nginx', references: [`${REGISTRIES.dockerLibraryRegistry}/nginx:1.14-alpine`, `${REGISTRIES.dockerLibraryRegistry}/nginx:1.15-alpine`] },
  { folder: 'httpd', references: [`${REGISTRIES.dockerLibraryRegistry}/httpd:2.4.38-alpine`, `${REGISTRIES.dockerLibraryRegistry}/httpd:2.4.39-alpine`] },
  { folder: 'agnhost', references: [`${REGISTRIES.promoterE2eRegistry}/agnhost:2.21`] },
];

/** Builds those that the Engine lacks; a line for each. */
export async function provideImages(engine: EngineConnection): Promise<void> {
  for (const { folder, references } of IMAGES) {
    for (const reference of references) {
      if ((await engine.request('GET', `/images/${reference}/json`)).status === 200) continue;
      const began = performance.now();
      await buildImage(engine, reference, folder);
      console.log(`  image   ${reference}: built from docker/${folder}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
    }
  }
}
