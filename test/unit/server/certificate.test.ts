import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KmError, systemClock, type Clock } from '../../../src/base/index.ts';
import type { KubernetesClient } from '../../../src/kubernetes/index.ts';
import { selfSigned } from '../../../src/server/certificate/make-certificate.ts';
import { ServingCertificate, type ServingCertificateOptions } from '../../../src/server/certificate/serving-certificate.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Authority } from './support/authority.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'km-pki-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function opened(more: Partial<ServingCertificateOptions> = {}): Promise<ServingCertificate> {
  return ServingCertificate.open({ directory, nodeName: 'n1', names: ['n1'], addresses: ['10.0.0.1'], clock: systemClock, logger: silentLogger, ...more });
}

const shown = (certificate: ServingCertificate): X509Certificate => new X509Certificate(certificate.current().cert);

/** Clock and node's real time, which certificates are checked against, agree at the start. */
const realClock = (): ManualClock => new ManualClock(Date.now());

async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a self-signed certificate', () => {
  it('is made out for the node, for servers, for a year, and nobody else may read its key', async () => {
    const certificate = await opened();
    const own = shown(certificate);
    expect([own.checkHost('n1'), own.checkIP('10.0.0.1'), own.checkHost('other')]).toEqual(['n1', '10.0.0.1', undefined]);
    expect(own.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(own.verify(own.publicKey)).toBe(true);
    expect(Date.parse(own.validTo) - Date.now()).toBeGreaterThan(364 * 86_400_000);
    for (const file of await readdir(directory)) expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    await certificate.stop();
  });

  it('is kept for the next start, unless the node has another address by then', async () => {
    const first = await opened();
    const again = await opened();
    expect(again.current()).toEqual(first.current());
    const moved = await opened({ addresses: ['10.0.0.2'] });
    expect(moved.current().cert).not.toBe(first.current().cert);
    for (const certificate of [first, again, moved]) await certificate.stop();
  });

  it('is made anew when it is about to run out, or its files are damaged', async () => {
    const old = await selfSigned({ commonName: 'n1', names: ['n1'], addresses: ['10.0.0.1'] }, Date.now() - 350 * 86_400_000);
    await writeFile(join(directory, 'kubelet.crt'), old.cert);
    await writeFile(join(directory, 'kubelet.key'), old.key);
    const renewed = await opened();
    expect(renewed.current().cert).not.toBe(old.cert);
    await writeFile(join(directory, 'kubelet.key'), 'nonsense');
    const repaired = await opened();
    expect(repaired.current().cert).not.toBe(renewed.current().cert);
    for (const certificate of [renewed, repaired]) await certificate.stop();
  });
});

describe('given files', () => {
  it('are shown, and read anew when they change; a half-done change leaves them as they were', async () => {
    const clock = realClock();
    const [first, second] = await Promise.all(['a', 'b'].map((name) => selfSigned({ commonName: name, names: ['n1'], addresses: [] }, Date.now())));
    const files = { cert: join(directory, 'given.crt'), key: join(directory, 'given.key') };
    const write = (cert = '', key = ''): Promise<unknown> => Promise.all([writeFile(files.cert, cert), writeFile(files.key, key)]);
    await write(first?.cert, first?.key);
    const complaints: string[] = [];
    const certificate = await opened({ files, clock, logger: { ...silentLogger, warn: (message) => void complaints.push(message) } });
    let changes = 0;
    certificate.onChange(() => (changes += 1));
    expect(shown(certificate).subject).toBe('CN=a');
    await write(second?.cert, first?.key);
    await clock.advance(61_000);
    await eventually(() => complaints.length === 1, 'the complaint');
    expect([shown(certificate).subject, changes]).toEqual(['CN=a', 0]);
    await write(second?.cert, second?.key);
    await clock.advance(61_000);
    await eventually(() => changes === 1, 'the change');
    expect(shown(certificate).subject).toBe('CN=b');
    await certificate.stop();
  });

  it('that cannot be used are said at once', async () => {
    await expect(opened({ files: { cert: join(directory, 'none'), key: join(directory, 'none') } })).rejects.toMatchObject({ code: 'invalid' });
    await expect(opened({ clientCaFile: join(directory, 'none') })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('of client authorities are asked for and change too', async () => {
    const clock = realClock();
    const clientCaFile = join(directory, 'ca.crt');
    await writeFile(clientCaFile, 'one');
    const certificate = await opened({ clientCaFile, clock });
    expect(certificate.current()).toMatchObject({ requestCert: true, ca: 'one' });
    await writeFile(clientCaFile, 'two');
    await clock.advance(61_000);
    await eventually(() => certificate.current().ca === 'two', 'the new authority');
    await certificate.stop();
    const none = await opened();
    expect(none.current()).toMatchObject({ requestCert: false });
    expect(none.current().ca).toBeUndefined();
    await none.stop();
  });
});

/** Certificate signing requests, and what becomes of them. */
class Signer {
  readonly requests: { spec: { request: string; signerName: string; usages: string[] } }[] = [];
  verdict: (request: string) => Promise<object>;

  constructor(verdict: (request: string) => Promise<object>) {
    this.verdict = verdict;
  }

  get client(): KubernetesClient {
    const create = async (_what: unknown, body: Signer['requests'][number]): Promise<object> => {
      this.requests.push(body);
      return { metadata: { name: `csr-${this.requests.length}` } };
    };
    const get = async ({ name }: { name: string }): Promise<object> => {
      const asked = this.requests[Number(name.slice(4)) - 1];
      return { status: asked === undefined ? {} : await this.verdict(Buffer.from(asked.spec.request, 'base64').toString()) };
    };
    return { create, get } as unknown as KubernetesClient;
  }
}

/** Time that goes by by itself, an hour in a moment: waiting for an approver is not waited for. */
function fastClock(): Clock {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    elapsed: () => Date.now() + ahead,
    after: (ms, fn) => {
      const timer = setTimeout(() => {
        ahead += ms;
        fn();
      }, Math.min(ms, 5));
      return () => clearTimeout(timer);
    },
  };
}

describe('a certificate from the cluster', () => {
  it('is asked for by the node\'s name, shown when it is signed, and kept for the next start', async () => {
    const authority = await Authority.create();
    let approved = false;
    let told: { subject: string; names: string } | undefined;
    const signer = new Signer(async (request) => {
      if (!approved) return {};
      const { cert, ...about } = await authority.signRequest(request);
      told = about;
      return { certificate: Buffer.from(cert).toString('base64') };
    });
    const certificate = await opened({ request: signer.client });
    const before = certificate.current().cert;
    expect(new X509Certificate(before).subject).toContain('CN=n1@');
    await eventually(() => signer.requests.length === 1, 'the request');
    approved = true;
    await eventually(() => certificate.current().cert !== before, 'the signed certificate');
    expect(told).toEqual({ subject: 'O=system:nodes, CN=system:node:n1', names: 'dns:n1 ip:10.0.0.1' });
    expect(signer.requests[0]?.spec).toMatchObject({ signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'key encipherment', 'server auth'] });
    expect(shown(certificate).issuer).toBe('CN=test-ca');
    await certificate.stop();
    expect((await stat(join(directory, 'kubelet-server-current.pem'))).mode & 0o777).toBe(0o600);
    const kept = new Signer(() => Promise.reject(new KmError('internal', 'nobody should ask')));
    const next = await opened({ request: kept.client });
    await eventually(() => shown(next).issuer === 'CN=test-ca', 'the kept certificate');
    expect(kept.requests).toHaveLength(0);
    await next.stop();
  });

  it('is renewed before it runs out', async () => {
    const authority = await Authority.create();
    const signer = new Signer(async (request) => ({ certificate: Buffer.from((await authority.signRequest(request)).cert).toString('base64') }));
    const ages: number[] = [];
    const measures = { failed: () => expect.unreachable(), rotated: (seconds: number) => void ages.push(seconds) };
    const certificate = await opened({ request: signer.client, clock: fastClock(), measures });
    await eventually(() => ages.length >= 1, 'the renewal');
    await certificate.stop();
    // Good for two hours, of which one is over when it is issued.
    expect(ages[0]).toBeGreaterThan(0.7 * 7200);
    expect(await readFile(join(directory, 'kubelet-server-current.pem'), 'utf8')).toContain('BEGIN CERTIFICATE');
  });

  it('that is denied is asked for again, later', async () => {
    const signer = new Signer(async () => ({ conditions: [{ type: 'Denied', reason: 'No', message: 'not you' }] }));
    let failures = 0;
    const measures = { failed: () => void (failures += 1), rotated: () => expect.unreachable() };
    const certificate = await opened({ request: signer.client, clock: fastClock(), measures });
    await eventually(() => signer.requests.length >= 2, 'another request');
    expect(failures).toBeGreaterThanOrEqual(1);
    expect(shown(certificate).subject).toContain('CN=n1@');
    await certificate.stop();
  });
});
