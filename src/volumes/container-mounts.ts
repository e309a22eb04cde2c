import type { Container, ContainerMount, ValidPod } from '../pod/index.ts';
import type { PreparedVolumes } from './prepare-volumes.ts';

export interface MountsInput {
  readonly rootDir: string;
  readonly pod: ValidPod;
  readonly container: Container;
  readonly volumes: PreparedVolumes;
  /** `subPath` or `subPathExpr` of a mount, expanded (`volumeSubPath` of the pod room). */
  readonly subPath: (mount: { subPath?: string; subPathExpr?: string }) => string | undefined;
  /** The pod's /etc/hosts on the node; absent leaves Docker's. */
  readonly hostsFile?: string;
  /** This container's termination message file on the node. */
  readonly terminationMessageFile?: string;
}

/**
 * What the container sees of the node: its volume mounts, /etc/hosts (unless it mounts one itself) and its termination message
 * file. Makes directories of `subPath`s. Throws code `workload` when a subPath leaves its volume.
 */
export declare function containerMounts(input: MountsInput): Promise<ContainerMount[]>;
