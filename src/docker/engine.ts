import type { Logger } from '../telemetry/index.ts';
import type { ContainerConfig } from './create-body.ts';
import type { CommandToRun, LogRange, ProcessStreams } from './process-streams.ts';

/** What the Engine and its machine are: asked once, at start-up. */
export interface EngineInfo {
  /** `20.10.24`. */
  readonly version: string;
  /** API version that we speak with it, `1.41`. */
  readonly apiVersion: string;
  /** Where it keeps images and containers, `/var/lib/docker`. */
  readonly rootDir: string;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupDriver: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  /** As Go names it: `amd64`, `arm64`. */
  readonly architecture: string;
  /** Host name of its machine. */
  readonly name: string;
  readonly storageDriver: string;
  /** Whether it is reached over a Unix socket: then its paths are paths of this machine. */
  readonly hostIsLocal: boolean;
}

export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  /** Docker's word: created, running, paused, restarting, removing, exited, dead. */
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, whole seconds. */
  readonly createdAt: number;
}

/** What `docker inspect` tells, as far as we use it. Times are milliseconds since the epoch; absent where Docker says "never". */
export interface InspectedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it was created from, as named then. */
  readonly image: string;
  /** `sha256:...` */
  readonly imageSha: string;
  readonly status: string;
  readonly running: boolean;
  /** 0 when it does not run. */
  readonly pid: number;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Docker's words on why it could not start; empty otherwise. */
  readonly error: string;
  readonly logPath: string;
  readonly resolvConfPath: string;
  /** Folder of what the container has written, where the storage driver has one for it. */
  readonly writableLayer?: string;
  readonly tty: boolean;
  /** `default`, `host`, `container:<id>`, ... */
  readonly networkMode: string;
  /** First IPv4, then IPv6 addresses of its networks. */
  readonly ips: readonly string[];
}

export interface ImageInfo {
  /** `sha256:...` */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** `USER` of the image: a name or number, perhaps with `:group`; empty means root. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly workingDir: string;
  /** Paths in the container. */
  readonly volumes: readonly string[];
  readonly stopSignal: string;
  readonly sizeBytes: number;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly serverAddress?: string;
  /** Stands for a user and password, to get tokens with. */
  readonly identityToken?: string;
  /** Goes to the registry as it is. */
  readonly registryToken?: string;
}

export interface PullOptions {
  readonly auth?: RegistryAuth;
  readonly signal?: AbortSignal;
  /** Without any progress for so long the pull is given up, milliseconds; 60,000 unless told, as the kubelet's. */
  readonly noProgressMs?: number;
}

export interface ExecOptions {
  /** Milliseconds; then the process in the container is killed (where we can reach it) and code `timeout` thrown. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Output beyond it is read and dropped; 10 KiB unless told. */
  readonly maxOutputBytes?: number;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and error as UTF-8; Docker keeps the order within each, not between them. */
  readonly output: string;
}

/** Something happened to a container. It is a hint to look: only an inspect tells what is true. */
export interface EngineEvent {
  /** `create`, `start`, `die`, `destroy`, `oom`, `kill`, `exec_start: ...`, ... */
  readonly action: string;
  readonly id: string;
  /** Nanoseconds since the epoch by the Engine's clock; give it as `since` to resume. */
  readonly timeNano: bigint;
  readonly labels: Readonly<Record<string, string>>;
}

export interface EventsOptions {
  /** Events from this time on, those of the past first; nanoseconds since the epoch. */
  readonly since?: bigint;
  /** Only containers that carry all of these; an empty value means any. */
  readonly labels: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Called when the Engine has answered: what happens from now on is seen. */
  readonly onOpen?: () => void;
}

/**
 * One Docker Engine, over one pool of kept-alive connections. Every method throws `KmError` with Docker's own words:
 * `not-found`, `conflict`, `denied`, `workload` (the container or image is at fault), `unavailable` (Engine away or
 * overloaded: may be tried again), `timeout`, `aborted`, `internal`. Ids may also be names.
 *
 * Each call has to be answered within a time (`requestTimeoutMs`; `stop`: its grace more; `info`, `ping`, `list`, `imageBytes` and `tailLog`: 30 s at most), else code `timeout`:
 * then what it was to do may be done all the same. `wait`, `pull` and what runs or joins processes last as long as those do.
 */
export interface Engine {
  info(signal?: AbortSignal): Promise<EngineInfo>;
  /** Whether it answers at all. */
  ping(signal?: AbortSignal): Promise<void>;
  /** Containers in every state that carry all these labels; an empty value means any. */
  list(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<ContainerSummary[]>;
  inspect(id: string, signal?: AbortSignal): Promise<InspectedContainer>;
  /** The new container's id. Code `conflict`, a `NameConflict`, when the name is taken; `not-found` when the image is not there. */
  create(config: ContainerConfig, signal?: AbortSignal): Promise<string>;
  /** Started already is success. Code `workload` when its command, mounts or settings are at fault. */
  start(id: string, signal?: AbortSignal): Promise<void>;
  /** Its stop signal, then SIGKILL after `graceSeconds`; returns when it has ended. Stopped or gone already is success. */
  stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>;
  /** Sends a signal, `SIGKILL` unless told. Not running or gone is success. */
  kill(id: string, signalName?: string, signal?: AbortSignal): Promise<void>;
  /** Kills and removes it with its anonymous volumes. Gone, or being removed, is success. */
  remove(id: string, signal?: AbortSignal): Promise<void>;
  /** Resolves with the exit code when it is not running (any more). */
  wait(id: string, signal?: AbortSignal): Promise<number>;
  /** `undefined` when the Engine does not have it. `reference` is a name or an id. */
  image(reference: string, signal?: AbortSignal): Promise<ImageInfo | undefined>;
  /** Of all images together (not of those that are only steps of others); layers that they share count with each. */
  imageBytes(signal?: AbortSignal): Promise<number>;
  pull(reference: string, options?: PullOptions): Promise<void>;
  exec(id: string, command: readonly string[], options: ExecOptions): Promise<ExecResult>;
  /**
   * Runs a command in a running container with streams, and resolves with its exit code when it has ended and its output is
   * written; nothing of `streams` is closed. Code `conflict` when the container does not run, `aborted` when nobody is at the other side any
   * more: its standard input has ended then, a terminal has hung up, and further output ends it, as a broken pipe does.
   */
  execute(id: string, what: CommandToRun, streams: ProcessStreams): Promise<number>;
  /** Joins the streams of the container's own process; resolves when it has ended. `tty`: it was created with one. */
  attach(id: string, tty: boolean, streams: ProcessStreams): Promise<void>;
  /**
   * The container's log, both outputs in the order in which they were written, in constant memory; also across rotation, each line once.
   * Resolves when it is known where the log is; ends when the container has ended (with `follow`), else with the log.
   */
  readLog(id: string, range: LogRange, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
  /** Ends without error only by `signal`; a broken stream throws `unavailable`: relist, then resume with `since`. */
  events(options: EventsOptions): AsyncIterable<EngineEvent>;
  /** The end of its log: at most so many lines and bytes. */
  tailLog(id: string, limit: { readonly lines: number; readonly bytes: number }, signal?: AbortSignal): Promise<string>;
  /** Closes the connections; what is under way, and whatever comes later, ends with `unavailable`. */
  close(): void;
}

/** Client key, certificate and authority in PEM, for an Engine behind `tcp://`. */
export interface EngineTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface EngineOptions {
  /** `unix:///var/run/docker.sock` or `tcp://host:port`. */
  readonly host: string;
  readonly logger: Logger;
  readonly tls?: EngineTls;
  /** Longest call, milliseconds, see `Engine`; 120,000 unless told. */
  readonly requestTimeoutMs?: number;
}
