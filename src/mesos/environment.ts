import { relative } from 'node:path';
import { isIP } from 'node:net';
import { KmError, messageOf, parseMesosDuration } from '../base/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the agent listens for its executors. */
export interface AgentAddress {
  /** IP address (IPv6 without brackets) or name. */
  readonly host: string;
  readonly port: number;
  /** `/api/v1/executor` over TCP; behind the agent's prefix (`/slave(1)`) on a domain socket. */
  readonly path: string;
  /** The domain socket, if the agent offers one: used instead of host and port, without TLS. */
  readonly socketPath?: string;
  /** Present when libprocess speaks TLS. */
  readonly tls?: TlsSettings;
}

/** libprocess' TLS settings, files by name (`LIBPROCESS_SSL_*`, Mesos docs/ssl.md). */
export interface TlsSettings {
  /** Whether the agent's certificate must be signed by a known authority and be for its host. */
  readonly verify: boolean;
  /** How the host is told from its certificate, see `identityFault`. */
  readonly scheme: 'legacy' | 'openssl';
  /** The certificate may be for the agent's address. */
  readonly verifyAddress: boolean;
  /** Authorities that may stand between the certificate and a known one. */
  readonly verifyDepth: number;
  readonly caFile?: string;
  readonly caDirectory?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly ciphers?: string;
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

/** Longest path that `sockaddr_un` holds: 108 bytes with the zero behind it. */
const LONGEST_SOCKET_PATH = 107;

/** What the agent sets where the environment is silent (Mesos src/slave/constants.hpp). */
const DEFAULTS = { recoveryTimeout: '15mins', backoffMax: '2secs', shutdownGrace: '5secs' };

/**
 * The environment of an executor. `cwd` is the working directory, to which a long socket path is made relative.
 * Throws code `invalid` with all faults in one line.
 */
export function mesosEnvironment(env: Environment, cwd: string = process.cwd()): MesosEnvironment {
  const read = new Reading(env);
  const agent = readAgent(read, cwd);
  const token = env['MESOS_EXECUTOR_AUTHENTICATION_TOKEN'];
  const whole: MesosEnvironment = {
    agent,
    frameworkId: read.required('MESOS_FRAMEWORK_ID'),
    executorId: read.required('MESOS_EXECUTOR_ID'),
    agentId: read.text('MESOS_SLAVE_ID') ?? '',
    sandbox: read.text('MESOS_DIRECTORY') ?? read.text('MESOS_SANDBOX') ?? read.missing('MESOS_DIRECTORY or MESOS_SANDBOX'),
    checkpoint: read.flag('MESOS_CHECKPOINT'),
    recoveryTimeoutMs: read.duration('MESOS_RECOVERY_TIMEOUT', DEFAULTS.recoveryTimeout),
    subscriptionBackoffMaxMs: read.duration('MESOS_SUBSCRIPTION_BACKOFF_MAX', DEFAULTS.backoffMax),
    shutdownGraceMs: read.duration('MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD', DEFAULTS.shutdownGrace),
    ...(token === undefined || token === '' ? {} : { authenticationToken: token }),
  };
  read.done();
  return Object.freeze(whole);
}

/** Only the agent's address, as `mesosEnvironment` has it. Throws code `invalid`. */
export function agentFromEnvironment(env: Environment, cwd: string = process.cwd()): AgentAddress {
  const read = new Reading(env);
  const agent = readAgent(read, cwd);
  read.done();
  return agent;
}

function readAgent(read: Reading, cwd: string): AgentAddress {
  const endpoint = read.text('MESOS_AGENT_ENDPOINT');
  const pid = read.text('MESOS_SLAVE_PID');
  const parsedPid = pid === undefined ? undefined : /^([^@\s]+)@(\S+)$/.exec(pid);
  const name = endpoint === undefined ? 'MESOS_SLAVE_PID' : 'MESOS_AGENT_ENDPOINT';
  const text = endpoint ?? parsedPid?.[2];
  const parsed = text === undefined ? undefined : parseHostPort(text);
  if (pid !== undefined && !parsedPid) read.fault(`MESOS_SLAVE_PID: "${pid}" is no NAME@IP:PORT`);
  else if (text === undefined) read.missing('MESOS_AGENT_ENDPOINT or MESOS_SLAVE_PID');
  else if (parsed === undefined) read.fault(`${name}: "${text}" is no IP:PORT`);
  const { host, port } = parsed ?? { host: '', port: 0 };

  const socket = read.text('MESOS_DOMAIN_SOCKET');
  if (socket !== undefined) {
    const socketPath = shortEnough(socket, cwd);
    if (socketPath === undefined) read.fault(`MESOS_DOMAIN_SOCKET: "${socket}" is longer than ${LONGEST_SOCKET_PATH} bytes, from the working directory too`);
    return Object.freeze({ host, port, path: `/${parsedPid?.[1] ?? 'slave(1)'}/api/v1/executor`, socketPath: socketPath ?? socket });
  }
  const tls = readTls(read);
  return Object.freeze({ host, port, path: '/api/v1/executor', ...(tls === undefined ? {} : { tls }) });
}

/** `IP:PORT`, `[IPv6]:PORT`, `IPv6:PORT` as libprocess writes it, `name:PORT`. */
function parseHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|(.+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const named = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host);
  if ((isIP(host) === 0 && !named) || !(port > 0 && port < 65_536)) return undefined;
  return { host, port };
}

function shortEnough(socket: string, cwd: string): string | undefined {
  if (Buffer.byteLength(socket) <= LONGEST_SOCKET_PATH) return socket;
  const short = `./${relative(cwd, socket)}`;
  return Buffer.byteLength(short) <= LONGEST_SOCKET_PATH ? short : undefined;
}

function readTls(read: Reading): TlsSettings | undefined {
  if (!read.flag('LIBPROCESS_SSL_ENABLED')) return undefined;
  const caFile = read.text('LIBPROCESS_SSL_CA_FILE');
  const caDirectory = read.text('LIBPROCESS_SSL_CA_DIR');
  const certFile = read.text('LIBPROCESS_SSL_CERT_FILE');
  const keyFile = read.text('LIBPROCESS_SSL_KEY_FILE');
  const ciphers = read.text('LIBPROCESS_SSL_CIPHERS');
  if ((certFile === undefined) !== (keyFile === undefined)) read.fault('LIBPROCESS_SSL_CERT_FILE and LIBPROCESS_SSL_KEY_FILE go together');
  // two names each, the latter ones deprecated; requiring certificates of clients implies verifying those of servers
  const verify = ['VERIFY_SERVER_CERT', 'VERIFY_CERT', 'REQUIRE_CLIENT_CERT', 'REQUIRE_CERT'].map((name) => read.flag(`LIBPROCESS_SSL_${name}`));
  const scheme = read.text('LIBPROCESS_SSL_HOSTNAME_VALIDATION_SCHEME') ?? 'legacy';
  if (scheme !== 'legacy' && scheme !== 'openssl') read.fault(`LIBPROCESS_SSL_HOSTNAME_VALIDATION_SCHEME: "${scheme}" is neither legacy nor openssl`);
  const depth = read.text('LIBPROCESS_SSL_VERIFY_DEPTH') ?? '4';
  if (!/^\d{1,9}$/.test(depth)) read.fault(`LIBPROCESS_SSL_VERIFY_DEPTH: "${depth}" is no number`);
  return Object.freeze({
    verify: verify.includes(true),
    scheme: scheme === 'openssl' ? scheme : 'legacy',
    verifyAddress: read.flag('LIBPROCESS_SSL_VERIFY_IPADD'),
    verifyDepth: Number(depth),
    ...(caFile === undefined ? {} : { caFile }),
    ...(caDirectory === undefined ? {} : { caDirectory }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(ciphers === undefined ? {} : { ciphers }),
  });
}

/** Reads variables and collects what is wrong with them. An empty one counts as absent. */
class Reading {
  readonly #env: Environment;
  readonly #faults: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  fault(what: string): void {
    this.#faults.push(what);
  }

  missing(name: string): string {
    this.fault(`${name}: not set`);
    return '';
  }

  text(name: string): string | undefined {
    const value = this.#env[name];
    return value === '' ? undefined : value;
  }

  required(name: string): string {
    return this.text(name) ?? this.missing(name);
  }

  flag(name: string): boolean {
    const value = this.text(name) ?? '0';
    if (!['0', '1', 'true', 'false'].includes(value)) this.fault(`${name}: "${value}" is none of 0 1 true false`);
    return value === '1' || value === 'true';
  }

  duration(name: string, otherwise: string): number {
    try {
      const ms = parseMesosDuration(this.text(name) ?? otherwise);
      if (ms < 0) this.fault(`${name}: "${this.text(name)}" is negative`);
      return ms;
    } catch (error) {
      this.fault(`${name}: ${messageOf(error)}`);
      return 0;
    }
  }

  done(): void {
    if (this.#faults.length > 0) throw new KmError('invalid', this.#faults.join('; '));
  }
}
