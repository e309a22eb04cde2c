import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A certificate (with its chain) and its key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Key and certificate of two files, or of one that has both. Throws when one cannot be read, or they do not fit together. */
export async function readKeyPair(certFile: string, keyFile: string): Promise<KeyPair> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return checked({ cert, key });
}

/** Throws when the key is not the certificate's. */
export function checked(pair: KeyPair): KeyPair {
  if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) throw new Error('the private key is not that of the certificate');
  return pair;
}

/** Writes a file that nobody else may read, all of it or nothing. */
export async function writeSecret(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}

/** Beginning and end of a certificate, milliseconds since the epoch. */
export function validityOf({ cert }: KeyPair): { readonly from: number; readonly until: number } {
  const { validFrom, validTo } = new X509Certificate(cert);
  return { from: Date.parse(validFrom), until: Date.parse(validTo) };
}

/** True when the certificate was made out for all of these names and addresses. */
export function covers({ cert }: KeyPair, { names, addresses }: { names: readonly string[]; addresses: readonly string[] }): boolean {
  const certificate = new X509Certificate(cert);
  return names.every((name) => certificate.checkHost(name) !== undefined) && addresses.every((address) => certificate.checkIP(address) !== undefined);
}
