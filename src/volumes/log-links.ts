import type { PodIdentity } from '../pod/index.ts';

export interface LogLinksInput {
  /** `/var/log` unless told: above `pods` and `containers`. */
  readonly baseDir?: string;
  readonly pod: PodIdentity;
  readonly container: string;
  readonly attempt: number;
  readonly containerId: string;
  /** Where Docker writes the log. */
  readonly dockerLogPath: string;
}

/** `/var/log/pods/<ns>_<name>_<uid>` */
export declare function podLogDirectory(pod: PodIdentity, baseDir?: string): string;
/** `/var/log/pods/<ns>_<name>_<uid>/<container>/<attempt>.log` */
export declare function containerLogPath(pod: PodIdentity, container: string, attempt: number, baseDir?: string): string;
/** Makes both links; a link of that name is replaced. */
export declare function linkContainerLog(input: LogLinksInput): Promise<void>;
/** Takes both links away; missing ones are fine. */
export declare function unlinkContainerLog(input: Omit<LogLinksInput, 'dockerLogPath'>): Promise<void>;
/** Takes away all links of the pod: its directory and what points into it. */
export declare function removePodLogs(pod: PodIdentity, baseDir?: string): Promise<void>;
