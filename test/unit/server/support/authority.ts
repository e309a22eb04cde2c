import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** The use that only certificates of servers have. */
export const FOR_SERVERS: string = x509.ExtendedKeyUsage.serverAuth;

const FOR_CLIENTS: string = x509.ExtendedKeyUsage.clientAuth;
const HOUR_MS = 3_600_000;

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for tests. */
export class Authority {
  readonly cert: string;
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.cert = certificate.toString('pem');
  }

  static async create(name = 'test-ca'): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - HOUR_MS),
      notAfter: new Date(Date.now() + HOUR_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new Authority(certificate, keys);
  }

  /** A client certificate; `until` is in milliseconds from now. */
  async client(subject: x509.JsonName, { until = HOUR_MS, usage = FOR_CLIENTS }: { until?: number; usage?: string } = {}): Promise<Issued> {
    const keys = await newKeys();
    const certificate = await this.#sign(subject, keys.publicKey, until, [new x509.ExtendedKeyUsageExtension([usage])]);
    const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    return { cert: certificate.toString('pem'), key };
  }

  /** Signs what a node asks for, with its names. */
  async signRequest(pem: string, until = HOUR_MS): Promise<{ cert: string; subject: string; names: string }> {
    const request = new x509.Pkcs10CertificateRequest(pem);
    if (!(await request.verify())) throw new Error('the request is not signed by its key');
    const names = request.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension);
    if (names === undefined) throw new Error('the request has no names');
    const key = await request.publicKey.export(webcrypto);
    const certificate = await this.#sign(request.subjectName.toJSON(), key, until, [names, new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])]);
    return { cert: certificate.toString('pem'), subject: request.subject, names: names.names.items.map(({ type, value }) => `${type}:${value}`).join(' ') };
  }

  #sign(subject: x509.JsonName, publicKey: webcrypto.CryptoKey, until: number, extensions: x509.Extension[]): Promise<x509.X509Certificate> {
    return x509.X509CertificateGenerator.create({
      subject,
      issuer: this.#certificate.subject,
      notBefore: new Date(Date.now() - HOUR_MS),
      notAfter: new Date(Date.now() + until),
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      publicKey,
      extensions,
    });
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}
