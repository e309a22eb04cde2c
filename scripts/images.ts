/**
 * Sees to it that the Engine of DOCKER_HOST has the images that the demo, the tests and the benches use. One that is there is
 * left as it is. Otherwise public ones are pulled where a registry answers, and built from `docker/` where none does;
 * `pause` is always built. Prints a line for each that it made.
 */
import { buildImage } from './build-image.ts';
import { connectEngine, type EngineConnection } from './engine-api.ts';

interface Image {
  readonly reference: string;
  /** Folder below `docker/` with a Dockerfile and a build-context.sh. */
  readonly folder: string;
  readonly pull: boolean;
}

const IMAGES: readonly Image[] = [
  { reference: 'km/pause:1', folder: 'pause', pull: false },
  { reference: 'busybox:latest', folder: 'busybox', pull: true },
  { reference: 'nginx:latest', folder: 'nginx', pull: true },
];

/** How long a pull may show no progress before we build instead, milliseconds. */
const PULL_PATIENCE_MS = 15_000;

await provide(connectEngine(process.env));

async function provide(engine: EngineConnection): Promise<void> {
  let registryAnswers = true;
  for (const image of IMAGES) {
    if ((await engine.request('GET', `/images/${image.reference}/json`)).status === 200) continue;
    const began = performance.now();
    const pulled: boolean = image.pull && registryAnswers && (await pull(engine, image.reference));
    if (image.pull) registryAnswers = pulled;
    if (!pulled) await buildImage(engine, [image.reference], image.folder);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`  image   ${image.reference}: ${pulled ? 'pulled' : `built from docker/${image.folder}`}, ${seconds} s`);
  }
  engine.close();
}

/** False when no registry has it for us: away, forbidden, rate-limited, too slow. */
async function pull(engine: EngineConnection, reference: string): Promise<boolean> {
  const [name, tag] = reference.split(':') as [string, string];
  try {
    const answer = await engine.request('POST', `/images/create?fromImage=${name}&tag=${tag}`, { timeoutMs: PULL_PATIENCE_MS });
    return answer.status === 200 && !answer.text.includes('"error"');
  } catch {
    return false;
  }
}
