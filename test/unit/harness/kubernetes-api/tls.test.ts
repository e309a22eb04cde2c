import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { KubernetesClient, loadKubeconfig } from '../../../../src/kubernetes/index.ts';
import { selfSigned } from '../../../../src/harness/kubernetes-api/certificate.ts';
import { EmbeddedApi } from '../../../../src/harness/kubernetes-api/index.ts';
import { silentLogger } from '../../../../src/telemetry/index.ts';

test('the certificate is one of its own, for its addresses, valid now', () => {
  const now = Date.parse('2026-05-01T12:00:00Z');
  const { certificate } = selfSigned(['127.0.0.1', 'localhost'], now);
  const read = new X509Certificate(certificate);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.checkIssued(read)).toBe(true);
  expect([read.checkIP('127.0.0.1'), read.checkHost('localhost'), read.checkIP('10.0.0.1')]).toEqual(['127.0.0.1', 'localhost', undefined]);
  expect([read.validFromDate.toISOString(), read.validToDate.toISOString()]).toEqual(['2026-04-30T12:00:00.000Z', '2027-05-01T12:00:00.000Z']);
});

test('with TLS the kubeconfig is enough, and nothing less', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'km-tls-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const api = await EmbeddedApi.start({ tls: true });
  onTestFinished(() => api.stop());
  expect(api.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  await writeFile(join(dir, 'config'), api.kubeconfig());
  const client = new KubernetesClient({ access: await loadKubeconfig(join(dir, 'config')), logger: silentLogger });
  onTestFinished(() => client.close());
  expect(await client.get({ apiVersion: 'v1', resource: 'namespaces', name: 'default' })).toMatchObject({ status: { phase: 'Active' } });

  const { clusters } = parse(api.kubeconfig()) as { clusters: { cluster: { 'certificate-authority-data': string } }[] };
  const ca = Buffer.from(clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64');
  const status = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(`${api.url}/api/v1/namespaces`, { ca, headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject).end();
    });
  expect(await status({ authorization: `Bearer ${api.token}` })).toBe(200);
  expect(await status({})).toBe(401);
});
