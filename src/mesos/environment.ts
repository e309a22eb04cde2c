/** Where the agent listens for its executors. */
export interface AgentAddress {
  /** IP address (IPv6 without brackets) or name. */
  readonly host: string;
  readonly port: number;
  /** `/api/v1/executor` over TCP; behind the agent's prefix (`/slave(1)`) on a domain socket. */
  readonly path: string;
  /** The domain socket, if the agent offers one; it is used instead of host and port. */
  readonly socketPath?: string;
  /** Present when libprocess speaks TLS. */
  readonly tls?: TlsSettings;
}

/** libprocess' TLS settings as files on disk (`LIBPROCESS_SSL_*`). */
export interface TlsSettings {
  /** Whether the agent's certificate must be signed by a known authority. */
  readonly verify: boolean;
  readonly caFile?: string;
  readonly caDirectory?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What a Mesos agent tells the executor that it launches. Frozen. */
export interface MesosEnvironment {
  readonly agent: AgentAddress;
  readonly frameworkId: string;
  readonly executorId: string;
  readonly agentId: string;
  /** The executor's sandbox, its working directory at the start. */
  readonly sandbox: string;
  /** Whether the framework checkpoints: without, a lost agent is the executor's end. */
  readonly checkpoint: boolean;
  /** How long after the disconnection the agent may come back, milliseconds. */
  readonly recoveryTimeoutMs: number;
  /** Upper bound of the pause between two tries to subscribe, milliseconds. */
  readonly subscriptionBackoffMaxMs: number;
  /** From SHUTDOWN to signal 9, milliseconds. */
  readonly shutdownGraceMs: number;
  /** JWT for the agent. A secret: never logged; the caller takes it out of `process.env`. */
  readonly authenticationToken?: string;
}

export declare function mesosEnvironment(env: Readonly<Record<string, string | undefined>>): MesosEnvironment;
export declare function agentFromEnvironment(env: Readonly<Record<string, string | undefined>>): AgentAddress;
