import type { Clock, Deadline } from '../base/index.ts';
import type { Engine, EngineInfo, HostLimits, Owner, PodCgroups, RegistryCredentials, TaskLimits } from '../docker/index.ts';
import type { PodNetwork } from '../network/index.ts';
import type { CrashBackoff, NodeAllocatable, ObservedPod, PodIdentity, ValidPod, WaitingReason } from '../pod/index.ts';
import { identityOf } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { ImagePuller } from './image-puller.ts';
import { type Known, NOTHING, type PodNote } from './known.ts';
import type { RuntimeMeasures } from './measures.ts';
import type { PodSources } from './pod-sources.ts';
import { PodVolumes } from './pod-volumes.ts';
import type { Relist } from './relist.ts';

/** Tells users of something that happened to a pod; `fieldPath` says to which container: `spec.containers{web}`. */
export type TellEvent = (pod: PodIdentity, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string) => void;

/** What all pods of an executor share. */
export interface Node {
  readonly engine: Engine;
  readonly engineInfo: EngineInfo;
  readonly limits: HostLimits;
  /** Absent: containers are where the Engine puts them. */
  readonly cgroups?: PodCgroups;
  readonly relist: Relist;
  readonly puller: ImagePuller;
  /** Who may pull which images. */
  readonly credentials: Pick<RegistryCredentials, 'of'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tell: TellEvent;
  readonly measures?: RuntimeMeasures;
  /** Where secrets and the like come from; undefined where there is no API, or not yet. */
  readonly sources: () => PodSources | undefined;
  /** Goes into the journal. */
  readonly remember: (uid: string, note: PodNote) => void;
  readonly nodeName: () => string;
  readonly hostIP: string;
  /** What the node has for pods, as far as it is known; else what its machine has. */
  readonly allocatable: () => Partial<NodeAllocatable>;
  readonly rootDir: string;
  /** Above `pods` and `containers`, where the links to logs go. */
  readonly logDir: string;
  readonly pauseImage: string;
  /** When a container's log is rotated, and how many files are kept. */
  readonly logLimit: { readonly maxBytes: number; readonly maxFiles: number };
  /** Absent: Docker's network is the pods'. */
  readonly network?: PodNetwork;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** Content of the node's resolv.conf (undefined where it is to have none), of its /etc/hosts; read when a pod needs them. */
  readonly resolvConf: () => Promise<string | undefined>;
  readonly nodeHosts: () => Promise<string>;
}

/** What is remembered of one pod between its syncs, and what its actions work on. */
export class PodContext {
  readonly node: Node;
  readonly owner: Owner;
  pod: ValidPod;
  /** Something was done to the containers that no look has confirmed: the Engine was away in the middle, or has not answered. */
  unseen = false;
  /** By container name. */
  readonly waiting = new Map<string, WaitingReason>();
  readonly crashBackoff: Map<string, CrashBackoff>;
  readonly #limits: TaskLimits;
  readonly restartCounts: Map<string, number>;
  /** By container id. */
  readonly postStartFailed = new Map<string, string>();
  readonly volumes: PodVolumes;
  /** Something that the pod's work depends on has changed: set by its worker. */
  onChanged: () => void = () => undefined;
  /** Graces of containers that are being stopped while the pod goes on: an order to end the pod shortens them. */
  readonly graces = new Set<Deadline>();

  constructor(node: Node, owner: Owner, pod: ValidPod, { remembered = NOTHING, limits = {} }: Pick<Known, 'remembered' | 'limits'>) {
    this.node = node;
    this.owner = owner;
    this.pod = pod;
    this.#limits = limits;
    this.restartCounts = new Map(remembered.restartCounts);
    this.crashBackoff = new Map(remembered.crashBackoffs);
    this.volumes = new PodVolumes(this, () => this.onChanged());
  }

  /** The parent of the cgroups of its containers; undefined: the Engine's own. */
  get cgroup(): string | undefined {
    return this.node.cgroups?.of(this.uid);
  }

  /** The cgroup is there before the first container. Throws code `unavailable`. */
  async prepareCgroup(): Promise<void> {
    await this.node.cgroups?.create(this.uid, this.#limits);
  }

  get uid(): string {
    return this.pod.metadata.uid;
  }

  get identity(): PodIdentity {
    return identityOf(this.pod);
  }

  /** What a container without limits may use up at most. */
  get nodeAllocatable(): NodeAllocatable {
    const { cpus, memoryBytes } = this.node.engineInfo;
    return { cpuMilli: BigInt(cpus) * 1000n, memoryBytes: BigInt(memoryBytes), ...this.node.allocatable() };
  }

  get observed(): ObservedPod {
    return this.node.relist.pod(this.uid);
  }

  /** The pod's addresses as its containers and probes see it, the first one foremost; the node's with the host's network. */
  get podIPs(): readonly string[] {
    return this.pod.spec.hostNetwork === true ? [this.node.hostIP] : (this.observed.sandboxes.find(({ state }) => state === 'running')?.ips ?? []);
  }

  get podIP(): string | undefined {
    return this.podIPs[0];
  }

  tell(type: 'Normal' | 'Warning', reason: string, message: string, container?: { name: string }): void {
    this.node.tell(this.identity, type, reason, message, container && this.#fieldPath(container.name));
  }

  /** Kubernetes v1.20 pkg/kubelet/container/ref.go. */
  #fieldPath(name: string): string {
    const { initContainers = [], ephemeralContainers = [] } = this.pod.spec;
    const isIn = (containers: readonly { name: string }[]): boolean => containers.some((container) => container.name === name);
    const list = isIn(initContainers) ? 'initContainers' : isIn(ephemeralContainers) ? 'ephemeralContainers' : 'containers';
    return `spec.${list}{${name}}`;
  }
}
