import { readFile } from 'node:fs/promises';

/** What this host lets us and what we start do; looked at once. */
export interface HostLimits {
  /** CAP_SYS_RESOURCE is in the bounding set: oom scores may go below the own one. */
  readonly sysResource: boolean;
  /** Our own oom_score_adj, -1000 to 1000. */
  readonly oomScoreAdj: number;
}

/** Number of the capability (linux/capability.h). */
const CAP_SYS_RESOURCE = 24n;

/**
 * Reads them from /proc. Where that cannot be read nothing is limited. The Engine's processes count in truth; one on this
 * machine runs under the same bounds as we do, or under wider ones.
 */
export async function probeHost(procSelf = '/proc/self'): Promise<HostLimits> {
  const [status, score] = await Promise.all([read(`${procSelf}/status`), read(`${procSelf}/oom_score_adj`)]);
  return parseHostLimits(status, score);
}

/** `status` and `score` as /proc/self/status and /proc/self/oom_score_adj hold them. */
export function parseHostLimits(status: string, score: string): HostLimits {
  const bounding = /^CapBnd:\s*([0-9a-f]+)\s*$/im.exec(status)?.[1];
  const own = /^\s*(-?\d{1,4})\s*$/.exec(score)?.[1];
  return {
    sysResource: bounding === undefined || ((BigInt(`0x${bounding}`) >> CAP_SYS_RESOURCE) & 1n) === 1n,
    oomScoreAdj: own === undefined ? 0 : Number(own),
  };
}

/**
 * The score to ask Docker for: the wanted one where the host allows it, else our own; `reason` says so, for the log. Without
 * CAP_SYS_RESOURCE a process may not go below the score it has, and runc fails with "can't get final child's PID from pipe: EOF".
 */
export function clampOomScore(wanted: number, limits: HostLimits): { readonly score: number; readonly reason?: string } {
  if (limits.sysResource || wanted >= limits.oomScoreAdj) return { score: wanted };
  return {
    score: limits.oomScoreAdj,
    reason: `this host lacks CAP_SYS_RESOURCE: oom_score_adj ${wanted} is raised to ${limits.oomScoreAdj}`,
  };
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
