import { buildConnector, Pool } from 'undici';
import { KmError } from '../base/index.ts';
import type { ClusterAccess, TlsMaterial } from './access.ts';

/** Connections that answer requests; more than this wait for one. */
const CONNECTIONS = 16;
/** A connection that nobody used for so long is closed, milliseconds; below the 90 s after which kube-apiserver closes it. */
const KEEP_ALIVE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** First TCP keep-alive probe on a silent connection, milliseconds. */
const TCP_PROBE_MS = 30_000;

/**
 * Kept-alive HTTP/1.1 connections to one API server: one pool for requests, one for watches, whose connections are busy for
 * minutes. A new connection uses the credentials of its time.
 */
export class Transport {
  readonly #access: ClusterAccess;
  #requests: Pool;
  readonly #watches: Pool;

  constructor(access: ClusterAccess) {
    this.#access = access;
    this.#requests = this.#pool(CONNECTIONS);
    this.#watches = this.#pool(null);
  }

  get requests(): Pool {
    return this.#requests;
  }

  get watches(): Pool {
    return this.#watches;
  }

  /** Requests from now on use new connections (the client certificate has changed); those under way end as they would. */
  reconnect(): void {
    const old = this.#requests;
    this.#requests = this.#pool(CONNECTIONS);
    old.close().catch(() => undefined); // only fails when it is closed already
  }

  async close(): Promise<void> {
    await Promise.all([this.#requests.destroy(), this.#watches.destroy()]);
  }

  #pool(connections: number | null): Pool {
    return new Pool(new URL(this.#access.server).origin, {
      connections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connect: connector(this.#access),
    });
  }
}

/** Connects with what `access.tls()` gives at that moment. TLS sessions are kept as long as that does not change. */
function connector(access: ClusterAccess): buildConnector.connector {
  let current: { readonly key: string; readonly connect: buildConnector.connector } | undefined;
  return (options, callback) => {
    access.tls().then(
      (tls) => {
        const key = JSON.stringify(tls);
        if (current?.key !== key) current = { key, connect: build(access, tls) };
        try {
          current.connect(options, callback);
        } catch (error) {
          // Certificate and key that do not fit: they are being replaced one after the other. Read both anew next time.
          access.renew();
          callback(new KmError('unavailable', 'the client certificate of the Kubernetes API cannot be used', { cause: error }), null);
        }
      },
      (error: unknown) => callback(error instanceof Error ? error : new KmError('internal', String(error)), null),
    );
  };
}

function build(access: ClusterAccess, tls: TlsMaterial): buildConnector.connector {
  return buildConnector({
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_PROBE_MS,
    rejectUnauthorized: !access.insecureSkipTlsVerify,
    ...tls,
    ...(access.tlsServerName !== undefined && { servername: access.tlsServerName }),
  });
}
