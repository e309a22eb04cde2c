/** What a task may use, all its containers together. Absent: no limit. */
export interface TaskLimits {
  /** What the task has for sure; may be a fraction. */
  readonly cpus?: number;
  /** What it gets at most. */
  readonly cpuLimit?: number;
  readonly memoryBytes?: number;
}

/** One file of a cgroup and what goes into it. */
export interface CgroupSetting {
  readonly controller: 'cpu' | 'memory';
  readonly file: string;
  readonly value: string;
}

const PERIOD_US = 100_000;
const LEAST_QUOTA_US = 1000;
const SHARES = { aCpu: 1024, least: 2, most: 262_144 };

/**
 * The settings of a pod's cgroup. Weights of version 2 are shares of version 1, as runc maps them: 2..262144 to 1..10000 (opencontainers/cgroups
 * ConvertCPUSharesToCgroupV2Value); Mesos' own isolators do the like.
 */
export function cgroupSettings(version: 1 | 2, { cpus, cpuLimit, memoryBytes }: TaskLimits): CgroupSetting[] {
  const shares = cpus === undefined ? undefined : Math.min(SHARES.most, Math.max(SHARES.least, Math.round(cpus * SHARES.aCpu)));
  const quota = cpuLimit === undefined ? undefined : Math.max(LEAST_QUOTA_US, Math.round(cpuLimit * PERIOD_US));
  const memory = memoryBytes === undefined ? [] : [{ controller: 'memory', file: version === 1 ? 'memory.limit_in_bytes' : 'memory.max', value: String(memoryBytes) } as const];
  if (version === 1) {
    return [
      ...memory,
      ...(shares === undefined ? [] : [{ controller: 'cpu', file: 'cpu.shares', value: String(shares) } as const]),
      ...(quota === undefined ? [] : [{ controller: 'cpu', file: 'cpu.cfs_period_us', value: String(PERIOD_US) } as const, { controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(quota) } as const]),
    ];
  }
  return [
    ...memory,
    ...(shares === undefined ? [] : [{ controller: 'cpu', file: 'cpu.weight', value: String(1 + Math.floor(((shares - 2) * 9999) / 262_142)) } as const]),
    ...(quota === undefined ? [] : [{ controller: 'cpu', file: 'cpu.max', value: `${quota} ${PERIOD_US}` } as const]),
  ];
}
