import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineConnection } from './engine-api.ts';

/**
 * Builds `docker/<folder>`, which has a Dockerfile and a build-context.sh that lays out what goes in, under all `references`. Throws with what the Engine
 * said.
 */
export async function buildImage(engine: EngineConnection, references: readonly string[], folder: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), `km-image-${folder.replaceAll('/', '-')}-`));
  try {
    const script = join(import.meta.dirname, '..', 'docker', folder, 'build-context.sh');
    const laidOut = spawnSync(script, [context], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    if (laidOut.status !== 0) throw new Error(`docker/${folder}/build-context.sh failed: ${laidOut.stderr}${laidOut.error ?? ''}`);
    const tar = spawn('tar', ['-C', context, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const query = new URLSearchParams([...references.map((reference) => ['t', reference]), ['rm', '1'], ['forcerm', '1'], ['labels', JSON.stringify(labels)]]);
    const answer = await engine.request('POST', `/build?${query.toString()}`, { tar: tar.stdout });
    if (answer.status !== 200 || answer.text.includes('"errorDetail"')) throw new Error(`the Engine did not build ${references.join(', ')}: ${answer.text.slice(-500)}`);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}
