/** What this host lets us and the Engine's processes do; looked at once. */
export interface HostLimits {
  /** CAP_SYS_RESOURCE is in the bounding set: oom scores may go below the own one. */
  readonly sysResource: boolean;
  /** Our own /proc/self/oom_score_adj. */
  readonly oomScoreAdj: number;
}
export declare function probeHost(): Promise<HostLimits>;
/** The score that the host allows, and why it is not the wanted one. */
export declare function clampOomScore(wanted: number, limits: HostLimits): { readonly score: number; readonly reason?: string };
