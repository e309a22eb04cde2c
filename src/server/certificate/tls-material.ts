/** Key, certificate and client authority of the server, all PEM; `ca` absent: client certificates are not asked for. */
export interface TlsSettings {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert: boolean;
}

/** What the server shows and whom it trusts, as it changes. */
export interface TlsMaterial {
  current(): TlsSettings;
  /** Calls `listener` after every change; the returned function ends that. */
  onChange(listener: () => void): () => void;
}
