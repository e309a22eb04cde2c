import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isCode, messageOf } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { parseDockerConfigJson, parseDockercfg, type DockerConfig } from './docker-config.ts';

export interface NodeConfigOptions {
  readonly rootDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * The node's own registry credentials: the first file that is there and can be read. Read for each pull: it may change, and holds what
 * need not stay in memory. The kubelet's places and their order (Kubernetes v1.20 pkg/credentialprovider/config.go), and `DOCKER_CONFIG`.
 */
export async function readNodeConfig({ rootDir, env, logger }: NodeConfigOptions): Promise<DockerConfig> {
  const home = env['HOME'] || homedir();
  const own = env['DOCKER_CONFIG'] ?? '';
  const json = [rootDir, ...(own === '' ? [] : [own]), process.cwd(), join(home, '.docker'), '/.docker'].map((dir) => join(dir, 'config.json'));
  const older = [rootDir, process.cwd(), home, '/'].map((dir) => join(dir, '.dockercfg'));
  for (const [path, parse] of [...json.map((one) => [one, parseDockerConfigJson] as const), ...older.map((one) => [one, parseDockercfg] as const)]) {
    try {
      return parse(await readFile(path, 'utf8'));
    } catch (error) {
      if (isCode(error, 'invalid')) logger.warn('registry credentials of the node passed over', { path, error: messageOf(error) });
      else if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) {
        logger.warn('registry credentials of the node cannot be read', { path, error: (error as NodeJS.ErrnoException).code ?? 'unknown' });
      }
    }
  }
  return { auths: [], credHelpers: new Map() };
}
