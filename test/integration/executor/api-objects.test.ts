/** What pods take from the Kubernetes API: secrets, config maps, tokens, facts of their own, addresses of services. One executor runs them all. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/harness/index.ts';
import type { PodSpec, VolumeMount } from '../../../src/pod/index.ts';
import { type ContainerSpec, ExecutorUnderTest, type Launched, pod } from '../../support/executor-under-test.ts';

let under: ExecutorUnderTest;
beforeAll(async () => {
  under = await ExecutorUnderTest.start({ kubernetes: true });
});
afterAll(() => under[Symbol.asyncDispose]());

const named = (what: string): string => `${what}-${randomUUID().slice(0, 8)}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function secret(name: string, data: Record<string, string>): void {
  put('Secret', name, { data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])) });
}

function configMap(name: string, data: Record<string, string>, more: object = {}): void {
  put('ConfigMap', name, { data, ...more });
}

function put(kind: string, name: string, content: object): void {
  under.api?.put({ apiVersion: 'v1', kind, metadata: { name, namespace: 'default' }, ...content });
}

async function removeSecret(name: string): Promise<void> {
  const answer = await fetch(`${under.api?.url}/api/v1/namespaces/default/secrets/${name}`, { method: 'DELETE', headers: { authorization: `Bearer ${under.api?.token}` } });
  expect(answer.status).toBe(200);
}

type Volume = NonNullable<PodSpec['volumes']>[number];

/** A pod that has this volume at /v. */
function withVolume(volume: Omit<Volume, 'name'>, container: ContainerSpec = {}, spec: Partial<PodSpec> = {}, mount: Partial<VolumeMount> = {}): ReturnType<typeof pod> {
  return pod({ volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }], ...container }, { volumes: [{ name: 'v', ...volume }], ...spec });
}

async function events(task: Launched, reason: string): Promise<string[]> {
  const told = (): string[] =>
    (under.api?.list({ group: '', resource: 'events' }) ?? [])
      .map((event) => event as unknown as { reason: string; message: string; involvedObject: { name: string } })
      .filter((event) => event.reason === reason && event.involvedObject.name === task.name)
      .map(({ message }) => message);
  await under.until(() => told().length > 0, `an event ${reason} of ${task.name}`);
  return told();
}

test.concurrent('a secret is files that never touch a disk, with the modes that the pod wants', async () => {
  const name = named('secret');
  secret(name, { user: 'ada', password: 's3cret\n' });
  const items = [{ key: 'password', path: 'deep/er/pw', mode: 0o400 }, { key: 'user', path: 'user' }];
  const task = under.launch(withVolume({ secret: { secretName: name, items, defaultMode: 0o444 } }));
  await under.running(task);
  expect(await under.exec(task, ['cat', '/v/user', '/v/deep/er/pw'])).toBe('adas3cret\n');
  expect((await under.exec(task, ['stat', '-L', '-c', '%a %u', '/v/user', '/v/deep/er/pw', '/v/deep'])).trim().split('\n')).toEqual(['444 0', '400 0', '755 0']);
  expect(await under.exec(task, ['stat', '-f', '-c', '%T', '/v'])).toContain('tmpfs');
  expect(await under.exec(task, ['sh', '-c', 'echo x >/v/user || true'])).toContain('Read-only');
  await under.deleteInApi(task);
  await under.ended(task);
  await under.gone(task);
});

test.concurrent('the group of the pod may read its files, and nobody else', async () => {
  const name = named('secret');
  secret(name, { key: 'value' });
  const container = { securityContext: { runAsUser: 1234 } };
  const task = under.launch(withVolume({ secret: { secretName: name, defaultMode: 0o400 } }, container, { securityContext: { fsGroup: 4321 } }));
  await under.running(task);
  expect(await under.exec(task, ['cat', '/v/key'])).toBe('value');
  expect(await under.exec(task, ['stat', '-L', '-c', '%a %u %g', '/v/key'])).toBe('440 0 4321\n');
});

test.concurrent('a config map changes in the container while it runs, all its files at once', async () => {
  const name = named('config');
  configMap(name, { old: '1', both: '1' }, { binaryData: { bytes: Buffer.from([0, 255, 10]).toString('base64') } });
  const mounts = [{ name: 'v', mountPath: '/v' }, { name: 'v', mountPath: '/fixed', subPath: 'both' }];
  const task = under.launch(pod({ volumeMounts: mounts }, { volumes: [{ name: 'v', configMap: { name } }] }));
  await under.running(task);
  expect(await under.exec(task, ['ls', '/v'])).toBe('both\nbytes\nold\n');
  expect(await under.exec(task, ['sh', '-c', 'od -An -tx1 /v/bytes'])).toBe(' 00 ff 0a\n');
  const before = await under.container(task);

  configMap(name, { both: '2', new: '2' });
  await under.poll(async () => (await under.exec(task, ['ls', '/v'])) === 'both\nnew\n', 'the files are the new ones');
  expect(await under.exec(task, ['cat', '/v/both', '/v/new', '/fixed'])).toBe('221');
  expect((await under.container(task)).id).toBe(before.id);
});

test.concurrent('a pod waits for a secret that is not there, says so, and starts when it comes', async () => {
  const name = named('secret');
  const task = under.launch(withVolume({ secret: { secretName: name } }));
  expect(await events(task, 'FailedMount')).toContain(`MountVolume.SetUp failed for volume "v" : secret "${name}" not found`);
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING']);
  secret(name, { key: 'value' });
  await under.running(task);
  expect(await under.exec(task, ['cat', '/v/key'])).toBe('value');
});

test.concurrent('a key that is missing holds the pod up, one that may be missing does not', async () => {
  const name = named('config');
  configMap(name, { there: 'x' });
  const items = [{ key: 'missing', path: 'missing' }];
  const strict = under.launch(withVolume({ configMap: { name, items } }));
  const lax = under.launch(withVolume({ configMap: { name, items, optional: true } }));
  const nothing = under.launch(withVolume({ secret: { secretName: named('none'), optional: true } }));
  await Promise.all([under.running(lax), under.running(nothing)]);
  expect(await under.exec(lax, ['ls', '/v'])).toBe('');
  expect(await under.exec(nothing, ['ls', '/v'])).toBe('');
  expect(await events(strict, 'FailedMount')).toContain('MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: missing');
});

test.concurrent('a secret that is deleted leaves its files, and the pod, where they are', async () => {
  const name = named('secret');
  secret(name, { key: 'value' });
  const task = under.launch(withVolume({ secret: { secretName: name } }));
  await under.running(task);
  await removeSecret(name);
  expect(await events(task, 'FailedMount')).toEqual([`MountVolume.SetUp failed for volume "v" : secret "${name}" not found`]);
  expect(await under.exec(task, ['cat', '/v/key'])).toBe('value');
  secret(name, { key: 'other' });
  await under.poll(async () => (await under.exec(task, ['cat', '/v/key'])) === 'other', 'the file is the new one');
});

test.concurrent('a projected volume holds secrets, config maps, facts of the pod and a token that the API accepts', async () => {
  const [secretName, configName] = [named('secret'), named('config')];
  secret(secretName, { key: 'from a secret' });
  configMap(configName, { 'ca.crt': 'from a config map' });
  const sources = [
    { serviceAccountToken: { path: 'token', audience: 'somebody', expirationSeconds: 3607 } },
    { secret: { name: secretName, items: [{ key: 'key', path: 'my/key' }] } },
    { configMap: { name: configName } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
  ];
  const task = under.launch(withVolume({ projected: { sources } }, { securityContext: { runAsUser: 1000 } }));
  await under.running(task);
  expect(await under.exec(task, ['cat', '/v/my/key', '/v/ca.crt', '/v/namespace'])).toBe('from a secretfrom a config mapdefault');
  expect(await under.exec(task, ['stat', '-L', '-c', '%a %u', '/v/token'])).toBe('600 1000\n');
  const token = await under.exec(task, ['cat', '/v/token']);
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  expect(claims).toMatchObject({ aud: ['somebody'], sub: 'system:serviceaccount:default:default', 'kubernetes.io': { pod: { name: task.name, uid: task.uid } } });
  expect(Number(claims['exp']) - Number(claims['iat'])).toBe(3607);
});

test.concurrent('labels and annotations in files follow those of the pod', async () => {
  const items = [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
    { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
  ];
  const given = withVolume({ downwardAPI: { items } }, { resources: { limits: { cpu: '250m' } } });
  const labelled = { ...given, metadata: { ...given.metadata, labels: { b: '2', a: '1' }, annotations: { note: 'two\nlines "quoted"' } } };
  const task = under.launch(labelled);
  await under.running(task);
  expect(await under.exec(task, ['cat', '/v/labels'])).toBe('a="1"\nb="2"');
  expect(await under.exec(task, ['cat', '/v/annotations'])).toBe('note="two\\nlines \\"quoted\\""');
  expect(await under.exec(task, ['cat', '/v/cpu'])).toBe('250');
  const now = under.apiPod(task);
  under.api?.put({ ...now, metadata: { ...now?.metadata, labels: { a: '3' } } } as unknown as KubernetesObject);
  await under.poll(async () => (await under.exec(task, ['cat', '/v/labels'])) === 'a="3"', 'the file has the new label');
});

test.concurrent('variables come from secrets and config maps, one by one and all at once', async () => {
  const [secretName, configName] = [named('secret'), named('config')];
  secret(secretName, { password: 's3cret', '9bad': 'x' });
  configMap(configName, { COLOUR: 'red', SIZE: 'small' });
  const task = under.launch(
    pod({
      envFrom: [{ configMapRef: { name: configName } }, { prefix: 'S_', secretRef: { name: secretName } }, { secretRef: { name: secretName } }, { secretRef: { name: 'none', optional: true } }],
      env: [
        { name: 'SIZE', value: 'large $(COLOUR)' },
        { name: 'PW', valueFrom: { secretKeyRef: { name: secretName, key: 'password' } } },
        { name: 'HUE', valueFrom: { configMapKeyRef: { name: configName, key: 'COLOUR' } } },
        { name: 'UNSET', valueFrom: { configMapKeyRef: { name: configName, key: 'none', optional: true } } },
      ],
    }),
  );
  await under.running(task);
  const env = (await under.exec(task, ['env'])).split('\n');
  expect(env).toEqual(expect.arrayContaining(['COLOUR=red', 'SIZE=large red', 'S_password=s3cret', 'S_9bad=x', 'PW=s3cret', 'HUE=red']));
  expect(env.some((line) => /^(UNSET|9bad)=/.test(line))).toBe(false);
  expect(await events(task, 'InvalidEnvironmentVariableNames')).toEqual([
    `Keys [9bad] from the EnvFrom secret default/${secretName} were skipped since they are considered invalid environment variable names.`,
  ]);
  expect(under.log).not.toContain('s3cret');
});

test.concurrent('a variable whose secret is missing keeps its container from starting until it comes', async () => {
  const name = named('secret');
  const task = under.launch(pod({ env: [{ name: 'PW', valueFrom: { secretKeyRef: { name, key: 'password' } } }] }));
  expect(await events(task, 'Failed')).toContain(`Error: secret "${name}" not found`);
  await under.until(() => under.apiPod(task)?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError', 'the container says why it waits');
  secret(name, { other: 'x' });
  await under.until(() => under.apiPod(task)?.status?.containerStatuses?.[0]?.state?.waiting?.message === `couldn't find key password in Secret default/${name}`, 'it says what is missing now');
  secret(name, { password: 'x' });
  await under.running(task);
});

test.concurrent('what the Engine is to create and cannot is told as such', async () => {
  const task = under.launch(pod({ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'missing.json' } } }));
  expect((await events(task, 'Failed')).join('\n')).toContain('Error: cannot load seccomp profile');
  await under.until(() => under.apiPod(task)?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerError', 'the container says why it waits');
});

test.concurrent('services are variables: those of the namespace where the pod wants them, the API server always', async () => {
  const name = named('web');
  const service = (clusterIP: string, port: number): object => ({ spec: { clusterIP, ports: [{ name: 'http', port, protocol: 'TCP' }] } });
  put('Service', 'kubernetes', service('10.96.0.1', 443));
  put('Service', name, service('10.96.3.4', 80));
  const linked = under.launch(pod());
  const alone = under.launch(pod({}, { enableServiceLinks: false }));
  await Promise.all([under.running(linked), under.running(alone)]);
  const variable = `${name.toUpperCase().replaceAll('-', '_')}_SERVICE_HOST=10.96.3.4`;
  const env = await under.exec(linked, ['env']);
  expect(env).toContain('KUBERNETES_SERVICE_HOST=10.96.0.1\n');
  expect(env).toContain('KUBERNETES_SERVICE_PORT=443\n');
  expect(env).toContain(variable);
  const without = await under.exec(alone, ['env']);
  expect(without).toContain('KUBERNETES_SERVICE_HOST=10.96.0.1\n');
  expect(without).not.toContain(variable);
});

test.concurrent('other volumes are mounted inside a volume of files', async () => {
  const name = named('config');
  configMap(name, { file: 'x' });
  const volumeMounts = [{ name: 'v', mountPath: '/v' }, { name: 'scratch', mountPath: '/v/scratch/here' }];
  const task = under.launch(pod({ volumeMounts }, { volumes: [{ name: 'v', configMap: { name } }, { name: 'scratch', emptyDir: {} }] }));
  await under.running(task);
  expect(await under.exec(task, ['sh', '-c', 'echo ours >/v/scratch/here/a && cat /v/file /v/scratch/here/a'])).toBe('xours\n');
  configMap(name, { file: 'y' });
  await under.poll(async () => (await under.exec(task, ['cat', '/v/file'])) === 'y', 'the file changes beside it');
  expect(await under.exec(task, ['cat', '/v/scratch/here/a'])).toBe('ours\n');
});

test('an executor that comes back keeps the files of its pods up to date', async () => {
  await using again = await ExecutorUnderTest.start({ kubernetes: true });
  const put = (value: string): void => void again.api?.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' }, data: { key: value } });
  put('1');
  const task = again.launch(withVolume({ configMap: { name: 'c' } }));
  await again.running(task);
  const before = await again.container(task);
  await again.killWorker();
  put('2');
  await again.poll(async () => (await again.exec(task, ['cat', '/v/key'])) === '2', 'what changed meanwhile');
  put('3');
  await again.poll(async () => (await again.exec(task, ['cat', '/v/key'])) === '3', 'what changes now');
  expect((await again.container(task)).id).toBe(before.id);
});

test.concurrent('a pod that waits for a secret can be killed', async () => {
  const task = under.launch(withVolume({ secret: { secretName: named('none') } }));
  await events(task, 'FailedMount');
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  await under.gone(task);
});

test('while the API is away a pod that takes nothing from it starts, one that does waits and says why', async () => {
  await using cut = await ExecutorUnderTest.start({ kubernetes: true });
  cut.api?.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' }, data: { KEY: 'value' } });
  await cut.api?.pause();
  const free = cut.launch(pod());
  const bound = cut.launch(pod({ envFrom: [{ configMapRef: { name: 'c', optional: true } }] }));
  await cut.running(free);
  await cut.poll(() => /Error: .*(cannot construct envvars|failed to sync configmap cache): /.test(cut.log), 'it says what it waits for');
  expect(cut.states(bound.taskId)).toEqual(['TASK_STARTING']);
  await cut.api?.resume();
  await cut.running(bound);
  expect(await cut.exec(bound, ['env'])).toContain('KEY=value\n');
});
