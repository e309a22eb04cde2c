/** A pod's volumes over time, with a clock of ours and real file systems in memory. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import { type ClaimedVolume, type DataObject, defaultPod, type PodSpec, type ValidPod, type Volume } from '../../../src/pod/index.ts';
import type { PodSources } from '../../../src/runtime/index.ts';
import { PodVolumes } from '../../../src/runtime/pod-volumes.ts';
import type { VolumesOwner } from '../../../src/runtime/volume-objects.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { createTerminationMessageFile, removePodFiles } from '../../../src/volumes/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const MINUTE = 60_000;
const UID = 'uid-1';
const never = new AbortController().signal;

/** What the API would know; tests change it as they like. */
class FakeSources implements PodSources {
  readonly objects = new Map<string, DataObject>();
  readonly volumes = new Map<string, ClaimedVolume>();
  held: (() => void) | undefined;
  tokens = 0;
  lifeMs = 10 * MINUTE;
  away = false;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  put(name: string, value: string): void {
    this.objects.set(name, { data: new Map([['key', Buffer.from(value)]]), binaryData: new Map() });
    this.held?.();
  }

  hold(_pod: ValidPod, onChanged: () => void): void {
    this.held = onChanged;
  }

  release(): void {
    this.held = undefined;
  }

  async object(_pod: ValidPod, { name }: { name: string }): Promise<DataObject | undefined> {
    if (this.away) throw new KmError('unavailable', 'the API is away');
    return this.objects.get(name);
  }

  async token(): Promise<{ token: string; refreshAtMs: number }> {
    if (this.away) throw new KmError('unavailable', 'the API is away');
    return { token: `token ${this.tokens++}`, refreshAtMs: this.#clock.now() + this.lifeMs };
  }

  async claimed(_pod: ValidPod, { name }: Volume): Promise<ClaimedVolume> {
    const found = this.volumes.get(name);
    if (found === undefined) throw new KmError('workload', `error processing PVC default/${name}: PVC is not bound`);
    return found;
  }

  async services(): Promise<[]> {
    return [];
  }
}

let rootDir = '';
let clock: ManualClock;
let sources: FakeSources;
let events: string[];
let woken: number;
const kept: PodVolumes[] = [];

beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'km-volumes-'));
  clock = new ManualClock();
  sources = new FakeSources(clock);
  events = [];
  woken = 0;
});
afterEach(async () => {
  for (const volumes of kept.splice(0)) await volumes.stop();
  expect([sources.held, clock.pending]).toEqual([undefined, 0]);
  await removePodFiles(rootDir, UID);
  await rm(rootDir, { recursive: true });
});

const mounting = (...volumes: readonly Volume[]): { name: string; mountPath: string }[] => volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));

/** `used`: what its container mounts. */
function volumesOf(volumes: PodSpec['volumes'] = [], running = false, used: readonly Volume[] = volumes): { volumes: PodVolumes; owner: { pod: ValidPod } } {
  const container = { name: 'c', image: 'i', volumeMounts: mounting(...used) };
  const pod = defaultPod({ metadata: { name: 'web', uid: UID }, spec: { containers: [container], volumes } }, { uid: UID }) as ValidPod;
  const owner: VolumesOwner & { pod: ValidPod } = {
    node: { clock, logger: silentLogger, rootDir, sources: () => sources },
    pod,
    uid: UID,
    nodeAllocatable: { cpuMilli: 1000n, memoryBytes: 1n },
    tell: (type, reason, message) => events.push(`${type} ${reason} ${message}`),
  };
  const one = new PodVolumes(owner, () => woken++);
  kept.push(one);
  one.hold(running);
  return { volumes: one, owner };
}

const projected = { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } };
const secret = { name: 'secret', secret: { secretName: 's' } };
const config = { name: 'config', configMap: { name: 'c' } };
const PATHS = { token: 'kubernetes.io~projected/token/token', secret: 'kubernetes.io~secret/secret/key', config: 'kubernetes.io~configmap/config/key' };
const read = (which: keyof typeof PATHS): Promise<string> => readFile(join(rootDir, 'pods', UID, 'volumes', PATHS[which]), 'utf8').catch(() => 'not there');

async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what}; events: ${events.join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a token is replaced in its file when it has lived long enough, again and again', async () => {
  const { volumes } = volumesOf([projected]);
  await volumes.prepare(never);
  expect(await read('token')).toBe('token 0');
  for (const n of [1, 2, 3]) {
    await clock.advance(8 * MINUTE);
    expect(await read('token')).toBe(`token ${n - 1}`);
    await clock.advance(2 * MINUTE);
    await until(async () => (await read('token')) === `token ${n}`, `token ${n}`);
    await until(() => clock.pending === 1, 'the next look is due');
  }
});

test('a token that cannot be renewed stays until it can, and that is told once', async () => {
  const { volumes } = volumesOf([projected]);
  await volumes.prepare(never);
  sources.away = true;
  await clock.advance(10 * MINUTE);
  await until(() => events.length === 1, 'the failure is told');
  for (let tries = 0; tries < 3; tries++) {
    await until(() => clock.pending === 1, 'the next try is due');
    await clock.advance(10_000);
  }
  expect(await read('token')).toBe('token 0');
  expect(events).toEqual(['Warning FailedMount MountVolume.SetUp failed for volume "token" : the API is away']);
  sources.away = false;
  await until(() => clock.pending === 1, 'the next try is due');
  await clock.advance(10_000);
  await until(async () => (await read('token')) === 'token 1', 'the new token');
});

test('a volume that cannot be brought up to date keeps what it has and holds up no other', async () => {
  sources.put('s', '1');
  sources.put('c', '1');
  const { volumes } = volumesOf([secret, config]);
  await volumes.prepare(never);
  sources.objects.delete('s');
  sources.put('c', '2');
  await until(async () => (await read('config')) === '2', 'the config map is the new one');
  await until(() => events.length > 0, 'the failure is told');
  expect(await read('secret')).toBe('1');
  expect(events).toEqual(['Warning FailedMount MountVolume.SetUp failed for volume "secret" : secret "s" not found']);
});

test('a pod with init containers shows as initializing while its volumes cannot be made', async () => {
  const { volumes, owner } = volumesOf([secret]);
  sources.objects.delete('s');
  owner.pod = { ...owner.pod, spec: { ...owner.pod.spec, initContainers: [{ name: 'first', image: 'i' }] } };
  await expect(volumes.prepare(never)).rejects.toMatchObject({ waiting: { reason: 'PodInitializing' } });
});

test('volumes that cannot be made are tried again after pauses that grow, and at once when something changes', async () => {
  const { volumes } = volumesOf([secret]);
  const pauses: number[] = [];
  for (let tries = 0; tries < 3; tries++) {
    await volumes.prepare(never).catch((error: { retryAtMs: number; waiting: unknown }) => {
      pauses.push(error.retryAtMs - clock.now());
      expect(error.waiting).toEqual({ reason: 'ContainerCreating' });
    });
  }
  expect(pauses).toEqual([500, 1000, 2000]);
  expect(woken).toBe(0);
  sources.put('s', 'here');
  expect(woken).toBe(1);
  expect([...(await volumes.prepare(never)).keys()]).toEqual(['secret']);
  expect(await read('secret')).toBe('here');
});

test('volumes of an earlier process are taken over and brought up to date', async () => {
  sources.put('s', '1');
  const { volumes } = volumesOf([secret]);
  await volumes.prepare(never);
  await volumes.stop();
  sources.put('s', '2');
  const { owner } = volumesOf([secret, { name: 'labels', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } }], true);
  await until(async () => (await read('secret')) === '2', 'what changed meanwhile');
  expect(owner.pod.metadata.name).toBe('web');
  sources.put('s', '3');
  await until(async () => (await read('secret')) === '3', 'what changes now');
});

test('labels in a file follow the pod', async () => {
  const { volumes, owner } = volumesOf([{ name: 'facts', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } }]);
  const paths = await volumes.prepare(never);
  const file = join(paths.get('facts') ?? '', 'labels');
  expect(await readFile(file, 'utf8')).toBe('');
  owner.pod = { ...owner.pod, metadata: { ...owner.pod.metadata, labels: { app: 'web' } } };
  volumes.podChanged();
  await until(async () => (await readFile(file, 'utf8')) === 'app="web"', 'the label');
});

test('a pod that is ending still gets what changes, and nobody is told of what goes before it', async () => {
  sources.put('s', '1');
  sources.put('c', '1');
  const { volumes } = volumesOf([secret, config]);
  await volumes.prepare(never);
  volumes.quieten();
  sources.objects.delete('s');
  sources.put('c', '2');
  await until(async () => (await read('config')) === '2', 'the config map is the new one');
  expect(events).toEqual([]);
});

test('a claim that is not bound is waited for and told of once, and mounted when it is', async () => {
  const claim = { name: 'data', persistentVolumeClaim: { claimName: 'data' } };
  const { volumes } = volumesOf([claim, secret]);
  sources.put('s', '1');
  const pauses: number[] = [];
  for (let tries = 0; tries < 6; tries++) {
    await volumes.prepare(never).catch((error: { retryAtMs: number }) => pauses.push(error.retryAtMs - clock.now()));
  }
  expect(pauses).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  const words = 'Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data secret]: error processing PVC default/data: PVC is not bound';
  expect(events).toEqual([`Warning FailedMount ${words}`]);
  expect(volumes.failed).toBe(true);
  await clock.advance(123_000);
  await volumes.prepare(never).catch(() => undefined);
  expect(events).toHaveLength(2);
  sources.volumes.set('data', { name: 'pv', source: { kind: 'hostPath', path: '/etc', type: 'Directory' }, readOnly: false, mountOptions: [], here: true });
  expect((await volumes.prepare(never)).get('data')).toBe('/etc');
  expect(volumes.failed).toBe(false);
});

test('a volume that no container mounts is passed over, until one does', async () => {
  const claim = { name: 'data', persistentVolumeClaim: { claimName: 'data' } };
  const cache = { name: 'cache', emptyDir: {} };
  const { volumes, owner } = volumesOf([claim, secret, cache], false, [cache]);
  expect([...(await volumes.prepare(never)).keys()]).toEqual(['cache']);
  expect([events, volumes.failed]).toEqual([[], false]);
  const debug = { name: 'debug', image: 'i', volumeMounts: mounting(secret) };
  owner.pod = { ...owner.pod, spec: { ...owner.pod.spec, ephemeralContainers: [debug] } };
  await expect(volumes.prepare(never)).rejects.toMatchObject({ waiting: { reason: 'ContainerCreating' } });
  expect(events).toEqual(['Warning FailedMount MountVolume.SetUp failed for volume "secret" : secret "s" not found']);
  sources.put('s', '1');
  expect([...(await volumes.prepare(never)).keys()]).toEqual(['secret', 'cache']);
  expect(await read('secret')).toBe('1');
});

test('a pod that has ended keeps no volume, and its other files stay', async () => {
  sources.put('s', '1');
  const { volumes } = volumesOf([secret, { name: 'cache', emptyDir: { medium: 'Memory' } }]);
  const paths = await volumes.prepare(never);
  await writeFile(join(paths.get('cache') ?? '', 'file'), 'x');
  const message = await createTerminationMessageFile(rootDir, UID, 'c');
  await volumes.remove();
  await volumes.remove();
  expect((await readFile('/proc/self/mountinfo', 'utf8')).includes(rootDir)).toBe(false);
  expect(await readdir(join(rootDir, 'pods', UID))).toEqual(['containers']);
  expect(await readFile(message, 'utf8')).toBe('');
  sources.put('s', '2');
  expect(await read('secret')).toBe('not there');
});

test('a large config map changes as a whole', async () => {
  const large = (letter: string): string => letter.repeat(1024 * 1024 - 100);
  sources.put('c', large('a'));
  const { volumes } = volumesOf([config]);
  await volumes.prepare(never);
  expect(await read('config')).toBe(large('a'));
  sources.put('c', large('b'));
  await until(async () => (await read('config')) === large('b'), 'the new content');
});

test('an object that may be missing comes and goes with its files', async () => {
  const { volumes } = volumesOf([{ name: 'config', configMap: { name: 'c', optional: true } }]);
  await volumes.prepare(never);
  expect(await read('config')).toBe('not there');
  sources.put('c', 'here');
  await until(async () => (await read('config')) === 'here', 'the object that has come');
  sources.objects.delete('c');
  sources.held?.();
  await until(async () => (await read('config')) === 'not there', 'the object that has gone');
});

test('preparing ends with its caller, and nothing goes on after the end', async () => {
  const { volumes } = volumesOf([secret]);
  await expect(volumes.prepare(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  await volumes.stop();
  await volumes.stop();
  expect(sources.held).toBeUndefined();
});
