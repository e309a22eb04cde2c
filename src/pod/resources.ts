import type { Container, ValidPod } from './types.ts';

export interface ContainerResources {
  readonly cpuShares: number;
  /** Microseconds a period; absent without a limit. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  /** Absent without a limit. */
  readonly memoryBytes?: bigint;
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

export function containerResources(_container: Container): ContainerResources {
  throw new Error('unwritten');
}

export function oomScoreAdj(_pod: ValidPod, _container: Container, _nodeMemoryBytes: bigint): number {
  throw new Error('unwritten');
}

export function qosClass(_pod: ValidPod): QosClass {
  throw new Error('unwritten');
}
