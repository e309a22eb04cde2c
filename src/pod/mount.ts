/** One path of the node that a container sees: made by `volumes`, turned into the Engine's words by `docker`. */
export interface ContainerMount {
  /** Absolute path on the node. */
  readonly hostPath: string;
  /** Absolute path in the container. */
  readonly containerPath: string;
  readonly readOnly: boolean;
  /** How mounts made below it on one side show on the other: the kubelet's None, HostToContainer, Bidirectional. */
  readonly propagation: 'private' | 'rslave' | 'rshared';
}
