import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';

/** One container as the node finds it for a request. */
export interface ContainerRef {
  /** The Engine's id of the container. */
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** The container was made with a terminal: its streams are raw, and stderr is part of stdout. */
  readonly tty: boolean;
  /** The container's own stdin is open (`spec.containers[].stdin`). */
  readonly stdin: boolean;
}

/** The streams of one remote command, whatever protocol carries them. Absent: the client did not ask for it. */
export interface CommandStreams {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Sizes of the client's terminal, in characters, as they change. */
  readonly resize?: AsyncIterable<{ width: number; height: number }>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

/** How a remote command ended: its exit code, or why it could not run. */
export type CommandEnd = { readonly kind: 'exit'; readonly code: number } | { readonly kind: 'failed'; readonly message: string };

/** What `kubectl logs` may ask for (Kubernetes v1.20 `PodLogOptions`). */
export interface LogOptions {
  readonly follow: boolean;
  /** The container's last run before the current one. */
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  /** Only lines younger than this many seconds. */
  readonly sinceSeconds?: number;
  /** Only lines from this time on: milliseconds since the epoch. */
  readonly sinceTime?: number;
  readonly limitBytes?: number;
}

/** The node's containers as a request sees them. Errors are `KmError`s with the kubelet's words. */
export interface Containers {
  /**
   * The container of that name in that pod: also init and ephemeral ones.
   * @param uid the pod's UID, if the path named one: another pod of the same name is not found
   * @throws KmError `not-found` or `invalid`
   */
  find(namespace: string, pod: string, uid: string | undefined, container: string): ContainerRef;
  /** Runs a command in a running container; the promise settles when it has ended and its output is written. */
  exec(container: ContainerRef, command: readonly string[], tty: boolean, streams: CommandStreams): Promise<CommandEnd>;
  /** Joins the streams of the container's own process until it ends or the client is gone. */
  attach(container: ContainerRef, streams: CommandStreams): Promise<CommandEnd>;
  /**
   * The container's log. The promise settles once it is known that there is one.
   * @throws KmError with the kubelet's words: `container "x" in pod "y" is waiting to start: ContainerCreating`
   */
  logs(namespace: string, pod: string, container: string, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
  /** One connection to a port on the pod's loopback. Either side may half-close it. */
  dial(namespace: string, pod: string, uid: string | undefined, port: number, signal: AbortSignal): Promise<Duplex>;
}

/** Which streams the client asked for in the query. */
export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Serves an upgraded exec, attach or run request: called once it is authenticated and authorized, with the raw socket. */
export interface RemoteCommandUpgrade {
  (request: IncomingMessage, socket: Duplex, head: Buffer, wanted: WantedStreams, run: (streams: CommandStreams) => Promise<CommandEnd>): void;
}

/** Serves an upgraded port-forward request: called once it is authenticated and authorized, with the raw socket. */
export interface PortForwardUpgrade {
  (request: IncomingMessage, socket: Duplex, head: Buffer, dial: (port: number, signal: AbortSignal) => Promise<Duplex>): void;
}
