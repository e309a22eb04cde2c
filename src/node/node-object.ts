import type { V1Node } from '@kubernetes/client-node';
import type { Json } from '../pod/index.ts';

export type Node = Json<V1Node>;

/** All that a Node object is made of. */
export interface NodeFacts {
  readonly name: string;
  /** `InternalIP`. */
  readonly hostIP: string;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What the node may give to pods: the Mesos agent's (or the executor's) resources. Memory and disk in bytes. */
  readonly capacity: { readonly cpus: number; readonly memoryBytes: number; readonly diskBytes: number; readonly pods: number };
  readonly info: {
    readonly machineId: string;
    readonly systemUuid: string;
    readonly bootId: string;
    readonly kernelVersion: string;
    readonly osImage: string;
    /** E.g. `docker://20.10.24`. */
    readonly containerRuntimeVersion: string;
    readonly kubeletVersion: string;
    readonly operatingSystem: string;
    readonly architecture: string;
  };
}
