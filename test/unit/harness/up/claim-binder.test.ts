/** Claims and volumes in the embedded API, as the one-machine cluster binds them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmbeddedApi } from '../../../../src/harness/kubernetes-api/index.ts';
import { ClaimBinder } from '../../../../src/harness/up/claim-binder.ts';
import { isFor, volumeFor } from '../../../../src/harness/up/match-claims.ts';
import { KubernetesClient, loadKubeconfig, PodObjects } from '../../../../src/kubernetes/index.ts';
import { systemClock } from '../../../../src/base/index.ts';
import { defaultPod, type PersistentVolume, type PersistentVolumeClaim, type ValidPod } from '../../../../src/pod/index.ts';
import { silentLogger } from '../../../../src/telemetry/index.ts';

const node = { name: 'n1', labels: { zone: 'a' } };
const signal = new AbortController().signal;
type VolumeSpec = NonNullable<PersistentVolume['spec']>;
type ClaimSpec = NonNullable<PersistentVolumeClaim['spec']>;

const volume = (name: string, spec: VolumeSpec = {}, labels: Record<string, string> = {}): PersistentVolume => ({
  apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name, labels },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], local: { path: '/p' }, ...spec },
});
const claim = (name: string, spec: ClaimSpec = {}): PersistentVolumeClaim => ({
  apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'shop', uid: `uid-of-${name}` },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '500Mi' } }, ...spec },
});

test.each<[string | undefined, ClaimSpec, PersistentVolume[]]>([
  ['small', {}, [volume('large', { capacity: { storage: '2Gi' } }), volume('small')]],
  [undefined, {}, [volume('tiny', { capacity: { storage: '499Mi' } })]],
  [undefined, { accessModes: ['ReadWriteMany'] }, [volume('once')]],
  ['many', { accessModes: ['ReadWriteMany'] }, [volume('once'), volume('many', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] })]],
  [undefined, { storageClassName: 'fast' }, [volume('none')]],
  ['fast', { storageClassName: 'fast' }, [volume('none'), volume('fast', { storageClassName: 'fast' })]],
  [undefined, { volumeMode: 'Block' }, [volume('files')]],
  [undefined, {}, [volume('taken', { claimRef: { namespace: 'shop', name: 'other', uid: 'x' } })]],
  ['kept', {}, [volume('free'), volume('kept', { claimRef: { namespace: 'shop', name: 'data' } })]],
  [undefined, {}, [volume('kept', { claimRef: { namespace: 'shop', name: 'data', uid: 'of-another-of-this-name' } })]],
  ['named', { volumeName: 'named' }, [volume('other'), volume('named', { capacity: { storage: '1Mi' } })]],
  [undefined, { volumeName: 'named' }, [volume('named', { claimRef: { namespace: 'shop', name: 'other' } })]],
  ['chosen', { selector: { matchLabels: { tier: 'db' } } }, [volume('other'), volume('chosen', {}, { tier: 'db' })]],
  [undefined, { selector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } }, [volume('other')]],
  ['any', { selector: {} }, [volume('any')]],
  [undefined, {}, [volume('elsewhere', { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] }] } } })]],
])('%s is what a claim %j gets', (expected, spec, volumes) => {
  expect(volumeFor(claim('data', spec), volumes, node)?.metadata?.name).toBe(expected);
});

test('a volume is for the claim of its name until it has one', () => {
  expect(isFor(volume('v', { claimRef: { namespace: 'shop', name: 'data', uid: '' } }), claim('data'))).toBe(true);
  expect(isFor(volume('v', { claimRef: { namespace: 'other', name: 'data' } }), claim('data'))).toBe(false);
  expect(isFor(volume('v'), claim('data'))).toBe(false);
});

let api: EmbeddedApi;
let client: KubernetesClient;
let binder: ClaimBinder;
beforeEach(async () => {
  api = await EmbeddedApi.start();
  const folder = await mkdtemp(join(tmpdir(), 'km-binder-'));
  await writeFile(join(folder, 'config'), api.kubeconfig());
  client = new KubernetesClient({ access: await loadKubeconfig(join(folder, 'config')), logger: silentLogger });
  await rm(folder, { recursive: true });
  await client.create({ apiVersion: 'v1', resource: 'namespaces' }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  binder = new ClaimBinder({ client, node, logger: silentLogger });
  binder.start();
});
afterEach(async () => {
  await binder.stop();
  await client.close();
  await api.stop();
});

const claims = { apiVersion: 'v1', resource: 'persistentvolumeclaims', namespace: 'shop' };
const volumes = { apiVersion: 'v1', resource: 'persistentvolumes' };
const without = ({ metadata, ...rest }: PersistentVolumeClaim): object => ({ ...rest, metadata: { name: metadata?.name, namespace: 'shop' } });
const phase = async (what: { apiVersion: string; resource: string; namespace?: string }, name: string): Promise<string | undefined> =>
  (await client.get<PersistentVolumeClaim>({ ...what, name })).status?.phase;

async function until(what: { apiVersion: string; resource: string; namespace?: string }, name: string, wanted: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await phase(what, name)) !== wanted) {
    if (Date.now() > deadline) throw new Error(`${name} is ${await phase(what, name)}, not ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a claim is bound when a volume for it comes, and both say so', async () => {
  await client.create(claims, without(claim('data')));
  await client.create(volumes, volume('v'));
  await until(claims, 'data', 'Bound');
  await until(volumes, 'v', 'Bound');
  const bound = await client.get<PersistentVolumeClaim>({ ...claims, name: 'data' });
  expect(bound).toMatchObject({ spec: { volumeName: 'v' }, status: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] } });
  expect((await client.get<PersistentVolume>({ ...volumes, name: 'v' })).spec?.claimRef).toMatchObject({ name: 'data', namespace: 'shop', uid: bound.metadata?.uid });
});

test('two claims do not get one volume, and one that is let go of is not given again', async () => {
  await client.create(volumes, volume('v'));
  await until(volumes, 'v', 'Available');
  await Promise.all([client.create(claims, without(claim('a'))), client.create(claims, without(claim('b')))]);
  await until(volumes, 'v', 'Bound');
  const [winner, loser] = (await phase(claims, 'a')) === 'Bound' ? ['a', 'b'] : ['b', 'a'];
  await until(claims, winner, 'Bound');
  await client.delete({ ...claims, name: winner });
  await until(volumes, 'v', 'Released');
  expect(await phase(claims, loser)).toBe('Pending');
  await client.create(volumes, volume('w'));
  await until(claims, loser, 'Bound');
});

test('what a pod finds out about its claim is in the kubelet’s words', async () => {
  const objects = new PodObjects({ client, clock: systemClock, logger: silentLogger });
  const pod = defaultPod({ metadata: { name: 'p', namespace: 'shop', uid: 'u' }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } }, { uid: 'u' }) as ValidPod;
  const get = (): Promise<unknown> => objects.claimed(pod, { name: 'v', persistentVolumeClaim: { claimName: 'data' } }, signal);
  await expect(get()).rejects.toMatchObject({
    code: 'not-found', message: 'error processing PVC shop/data: failed to fetch PVC from API server: persistentvolumeclaims "data" not found',
  });
  await client.create(claims, without(claim('data')));
  await expect(get()).rejects.toMatchObject({ code: 'workload', message: 'error processing PVC shop/data: PVC is not bound' });
  const there = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] } };
  await client.create(volumes, volume('v', { nodeAffinity: there, mountOptions: ['noatime'] }));
  await until(claims, 'data', 'Bound');
  await expect(get()).rejects.toMatchObject({ message: 'error processing PVC shop/data: failed to fetch the node from API server: nodes "n1" not found' });
  await client.create({ apiVersion: 'v1', resource: 'nodes' }, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels: { zone: 'b' } } });
  expect(await get()).toEqual({ name: 'v', source: { kind: 'local', path: '/p' }, readOnly: false, mountOptions: ['noatime'], here: false });
  await client.patch({ apiVersion: 'v1', resource: 'nodes', name: 'n1' }, 'merge', { metadata: { labels: { zone: 'a' } } });
  expect(await get()).toMatchObject({ here: true });
  await client.delete({ ...volumes, name: 'v' });
  await expect(get()).rejects.toMatchObject({ message: 'error processing PVC shop/data: failed to fetch PV v from API server: persistentvolumes "v" not found' });
  await objects.stop();
});
