/** The certificates of a cluster that lives for one run: an authority of its own, and what it vouches for, as files. */
import 'reflect-metadata'; // @peculiar/x509 stands on it and does not load it itself
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/** Paths of a certificate and its key, PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Subject {
  readonly user: string;
  readonly group?: string;
  /** For servers: DNS names and IP addresses. */
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export class Authority {
  /** The authority's own certificate. */
  readonly file: string;
  readonly #dir: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;
  #serial = 1;

  private constructor(dir: string, certificate: x509.X509Certificate, key: webcrypto.CryptoKey) {
    this.#dir = dir;
    this.#certificate = certificate;
    this.#key = key;
    this.file = join(dir, 'ca.crt');
    writeFileSync(this.file, certificate.toString('pem'));
  }

  /** Makes a new one; every file goes into `dir`, which should be for our eyes only. */
  static async make(dir: string): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...validity(),
      name: 'CN=conformance',
      serialNumber: '01',
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)],
    });
    const authority = new Authority(dir, certificate, keys.privateKey);
    await authority.#writeKey('ca', keys.privateKey); // the controller manager signs with it
    return authority;
  }

  /** The authority's certificate and key. */
  get files(): CertificateFiles {
    return { cert: this.file, key: join(this.#dir, 'ca.key') };
  }

  /** A certificate for a server when it has names or addresses, else for a client: `<name>.crt` and `<name>.key`. */
  async issue(name: string, { user, group, names = [], addresses = [] }: Subject): Promise<CertificateFiles> {
    const server = names.length + addresses.length > 0;
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity(),
      subject: [...(group === undefined ? [] : [{ O: [group] }]), { CN: [user] }],
      issuer: this.#certificate.subject,
      serialNumber: (++this.#serial).toString(16).padStart(2, '0'),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([server ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth]),
        ...(server ? [new x509.SubjectAlternativeNameExtension([...names.map((value) => ({ type: 'dns' as const, value })), ...addresses.map((value) => ({ type: 'ip' as const, value }))])] : []),
      ],
    });
    const cert = join(this.#dir, `${name}.crt`);
    writeFileSync(cert, certificate.toString('pem'));
    return { cert, key: await this.#writeKey(name, keys.privateKey) };
  }

  async #writeKey(name: string, key: webcrypto.CryptoKey): Promise<string> {
    const file = join(this.#dir, `${name}.key`);
    writeFileSync(file, x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY'), { mode: 0o600 });
    return file;
  }
}

/** The keys that service account tokens are signed with and checked by: `sa.key` and `sa.pub` in `dir`. */
export function tokenKeys(dir: string): { readonly key: string; readonly pub: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [key, pub] = [join(dir, 'sa.key'), join(dir, 'sa.pub')];
  writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }));
  return { key, pub };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - HOUR_MS), notAfter: new Date(now + DAY_MS) };
}
