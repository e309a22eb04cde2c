import type { TaskInfo } from '../../mesos/index.ts';
import type { ResourceRequirements } from '../../pod/index.ts';
import type { Draft } from './draft.ts';

/**
 * As the Docker containerizer has it: CPUs are shares and no limit unless `limits` has one; memory (megabytes of 2^20) is a limit, which
 * `limits` may raise or lift.
 */
export function resourcesOf({ resources = [], limits = {} }: TaskInfo, draft: Draft): ResourceRequirements {
  const sum = (name: string): number => resources.reduce((total, resource) => total + (resource.name === name ? (resource.scalar?.value ?? 0) : 0), 0);
  if (sum('gpus') > 0) draft.fault('resources[gpus]', 'not supported');
  const [cpus, mem] = [sum('cpus'), sum('mem')];
  const memLimit = limits['mem']?.value ?? (mem > 0 ? mem : Infinity);
  const cpuLimit = limits['cpus']?.value ?? Infinity;
  return {
    requests: { ...(cpus > 0 && { cpu: milli(cpus) }), ...(mem > 0 && { memory: bytes(mem) }) },
    limits: { ...(Number.isFinite(cpuLimit) && { cpu: milli(cpuLimit) }), ...(Number.isFinite(memLimit) && { memory: bytes(memLimit) }) },
  };
}

function milli(cpus: number): string {
  return `${Math.max(1, Math.round(cpus * 1000))}m`;
}

function bytes(megabytes: number): string {
  return String(Math.round(megabytes * 2 ** 20));
}
