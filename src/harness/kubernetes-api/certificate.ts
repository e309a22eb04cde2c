import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A key and the certificate that it signed for itself, both PEM. */
export interface Identity {
  readonly key: string;
  readonly certificate: string;
}

const DAY_MS = 86_400_000;
const OIDS = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  basicConstraints: [0x55, 0x1d, 0x13],
  keyUsage: [0x55, 0x1d, 0x0f],
  extendedKeyUsage: [0x55, 0x1d, 0x25],
  subjectAltName: [0x55, 0x1d, 0x11],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
} as const;

/**
 * A self-signed server certificate (X.509 v3, P-256) for these host names and IPv4 addresses, valid from a day before `now`
 * (milliseconds since the epoch; clocks differ) for a year. Node can sign but not write certificates, so the DER is put together here.
 */
export function selfSigned(hosts: readonly string[], now: number): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  const name = sequence(set(sequence(oid(OIDS.commonName), der(0x0c, Buffer.from('km embedded Kubernetes API')))));
  const algorithm = sequence(oid(OIDS.ecdsaWithSha256));
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(now - DAY_MS), time(now + 365 * DAY_MS)),
    name,
    publicKey,
    der(0xa3, sequence(...extensions(hosts))),
  );
  const signature = sign('sha256', body, { key: createPrivateKey(privateKey), dsaEncoding: 'der' });
  const certificate = sequence(body, algorithm, bits(0, signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return { key: privateKey, certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n` };
}

function extensions(hosts: readonly string[]): Buffer[] {
  const names = hosts.map((host) => (isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))));
  const critical = der(0x01, Buffer.from([0xff]));
  return [
    sequence(oid(OIDS.basicConstraints), critical, octets(sequence(critical))), // CA: clients take it as their root
    sequence(oid(OIDS.keyUsage), critical, octets(bits(2, Buffer.from([0x84])))), // digitalSignature, keyCertSign
    sequence(oid(OIDS.extendedKeyUsage), octets(sequence(oid(OIDS.serverAuth)))),
    sequence(oid(OIDS.subjectAltName), octets(sequence(...names))),
  ];
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts);
const oid = (bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const integer = (bytes: Uint8Array): Buffer => der(0x02, bytes);
const octets = (content: Uint8Array): Buffer => der(0x04, content);
/** `unused`: how many bits of the last byte do not count. */
const bits = (unused: number, content: Uint8Array): Buffer => der(0x03, Buffer.from([unused]), content);
/** UTCTime: two digits of the year, good until 2049. */
const time = (ms: number): Buffer => der(0x17, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`));
