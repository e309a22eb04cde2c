import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import type { MesosEnvironment } from '../mesos/index.ts';
import type { CniNetwork } from '../network/index.ts';
import type { Logger } from '../telemetry/index.ts';

export interface PodNetworkOptions {
  readonly config: ExecutorConfig;
  readonly environment: MesosEnvironment;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFault: (fault: string | undefined) => void;
}

/**
 * The network of pods by CNI plugins: where that is wanted, or where an earlier run has left some to give back. Undefined: all pods are in the
 * Engine's network, and nothing of this is loaded.
 */
export async function podNetwork({ config, environment, clock, logger, onFault }: PodNetworkOptions): Promise<CniNetwork | undefined> {
  const { networkPlugin, rootDir, cniConfDir, cniBinDir } = config;
  const owner = `${environment.frameworkId}.${environment.executorId}`.replaceAll(/[^\w.-]/g, '_');
  const stateDir = join(rootDir, 'network', owner);
  const wanted = networkPlugin === 'cni';
  if (!wanted && !existsSync(stateDir)) return undefined;
  const { CniNetwork } = await import('../network/index.ts');
  return CniNetwork.open({ confDir: wanted ? cniConfDir : undefined, binDirs: cniBinDir, stateDir, clock, logger: logger.child({ part: 'network' }), onFault });
}
