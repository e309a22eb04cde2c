import { X509Certificate } from 'node:crypto';

/** What a connection to the API server proves itself with and checks the server by. All PEM. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Where the API is and how we may enter. The credentials are asked for again and again: they read files anew when these change
 * and run exec plugins anew when what they gave has expired.
 */
export interface ClusterAccess {
  /** `http(s)://host:port`, perhaps with a path prefix; no trailing slash. */
  readonly server: string;
  /** Namespace of the kubeconfig's context; `default` when it names none. */
  readonly namespace: string;
  readonly insecureSkipTlsVerify: boolean;
  /** Name to ask for and to check in the server's certificate, where it is not that of the URL. */
  readonly tlsServerName?: string;
  /** Value of the `Authorization` header; nothing with client certificates. Throws code `denied` or `invalid`. */
  authorization(): Promise<string | undefined>;
  /** Throws code `denied` or `invalid`. */
  tls(): Promise<TlsMaterial>;
  /** The client certificate, PEM, as far as it is known without running a plugin. Throws code `invalid`. */
  clientCertificate(): Promise<string | undefined>;
  /** The server did not accept what we had: forget what is cached. */
  renew(): void;
}

/** When the client certificate ends, milliseconds since the epoch; `undefined` where there is none that can be read. */
export async function clientCertificateEnd(access: ClusterAccess): Promise<number | undefined> {
  try {
    const certificate = await access.clientCertificate();
    return certificate === undefined ? undefined : Date.parse(new X509Certificate(certificate).validTo);
  } catch {
    return undefined;
  }
}
