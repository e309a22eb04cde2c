import { type Clock, KmError, messageOf } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import { clampOomScore, type Engine, type EngineInfo, PodCgroups, probeHost, RegistryCredentials, SANDBOX_OOM_SCORE_ADJ } from '../docker/index.ts';
import type { EventRecorder } from '../kubernetes/index.ts';
import type { MesosEnvironment } from '../mesos/index.ts';
import { PodRuntime, type PodRuntimeOptions } from '../runtime/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { hostAddress, textFile } from './host.ts';
import { podNetwork } from './pod-network.ts';

export interface MakeRuntimeOptions extends Pick<PodRuntimeOptions, 'allocatable' | 'nodeName' | 'sources' | 'remember' | 'former' | 'buried' | 'report' | 'onHealth' | 'measures'> {
  readonly config: ExecutorConfig;
  readonly environment: MesosEnvironment;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly engine: Engine;
  readonly engineInfo: EngineInfo;
  /** Where events about pods go, once there is an API. */
  readonly events: () => EventRecorder | undefined;
  /** Why pods cannot get a network here; undefined when they can. */
  readonly onNetworkFault: (fault: string | undefined) => void;
}

/** The pod runtime of this host: the settings, and what the host allows. */
export async function makeRuntime({ config, environment, events, onNetworkFault, logger: parent, ...given }: MakeRuntimeOptions): Promise<PodRuntime> {
  const [limits, network] = await Promise.all([probeHost(), podNetwork({ config, environment, clock: given.clock, logger: parent, onFault: onNetworkFault })]);
  const logger = parent.child({ part: 'runtime' });
  const cgroups = await podCgroups({ config, environment, engineInfo: given.engineInfo, logger });
  const { score, reason } = clampOomScore(SANDBOX_OOM_SCORE_ADJ, limits);
  if (reason !== undefined) logger.warn('oom scores are clamped to what this host allows', { sandbox: score, reason });
  return new PodRuntime({
    ...given,
    limits,
    ...(network !== undefined && { network }),
    ...(cgroups !== undefined && { cgroups }),
    logger,
    frameworkId: environment.frameworkId,
    executorId: environment.executorId,
    tell: (pod, type, reason, message, fieldPath) => {
      logger.debug('event', { pod: pod.name, fieldPath, type, reason, message });
      events()?.event(pod, type, reason, message, fieldPath === undefined ? {} : { fieldPath });
    },
    hostIP: config.nodeIp ?? hostAddress(),
    rootDir: config.rootDir,
    credentials: new RegistryCredentials({ rootDir: config.rootDir, env: process.env, logger }),
    logDir: config.podLogsDir,
    pauseImage: config.podInfraContainerImage,
    logLimit: { maxBytes: config.containerLogMaxBytes, maxFiles: config.containerLogMaxFiles },
    clusterDns: config.clusterDns,
    clusterDomain: config.clusterDomain ?? 'cluster.local',
    resolvConf: async () => (config.resolvConf === '' ? undefined : textFile(config.resolvConf)),
    nodeHosts: () => textFile('/etc/hosts'),
    imagePullNoProgressMs: config.imagePullProgressDeadlineMs,
    offlineImages: config.offlineImages,
  });
}

/** Throws code `invalid` where pods must be contained and cannot be. */
async function podCgroups({ config, environment, engineInfo, logger }: Pick<MakeRuntimeOptions, 'config' | 'environment' | 'engineInfo' | 'logger'>): Promise<PodCgroups | undefined> {
  if (config.containPodResources === 'false') return undefined;
  try {
    return await PodCgroups.find({ engine: engineInfo, sandbox: environment.sandbox });
  } catch (error) {
    if (config.containPodResources === 'true') throw new KmError('invalid', `--contain-pod-resources: ${messageOf(error)}`, { cause: error });
    logger.info('pods are not in the cgroup of the executor', { reason: messageOf(error) });
    return undefined;
  }
}
