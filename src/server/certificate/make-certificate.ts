import 'reflect-metadata'; // @peculiar/x509 stands on it and does not load it itself
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { KeyPair } from './certificate-file.ts';
import type { CertificateRequest, Holder } from './order.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 24 * 3_600_000;

/** A certificate for servers that only its own key vouches for, good for a year from `now`; milliseconds. */
export async function selfSigned(holder: Holder, now: number): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subjectOf(holder),
    // A clock that is a little behind must not find it to be of the future.
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + YEAR_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      alternativeNames(holder),
    ],
  });
  return { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

/** A new key and the request to sign a certificate for it, both PEM. */
export async function certificateRequest(holder: Holder): Promise<CertificateRequest> {
  const keys = await newKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: subjectOf(holder), keys, signingAlgorithm: ALGORITHM, extensions: [alternativeNames(holder)] });
  return { request: request.toString('pem'), key: await pemOf(keys.privateKey) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function subjectOf({ commonName, organization }: Holder): x509.JsonName {
  return [...(organization === undefined ? [] : [{ O: [organization] }]), { CN: [commonName] }];
}

function alternativeNames({ names, addresses }: Holder): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension([...names.map((value) => ({ type: 'dns' as const, value })), ...addresses.map((value) => ({ type: 'ip' as const, value }))]);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return x509.PemConverter.encode(der, 'PRIVATE KEY');
}
