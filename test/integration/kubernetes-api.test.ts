import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { EmbeddedApi, type KubernetesObject } from '../../src/harness/kubernetes-api/index.ts';

/*
 * What a person with kubectl sees of the embedded API: the kubectl of this machine, run as a person would run it. A stand-in for a node
 * binds pods, says that they run, and takes them away when they are deleted.
 */

const POD = `
apiVersion: v1
kind: Pod
metadata:
  name: nginx
  labels: {app: nginx}
spec:
  containers:
  - name: nginx
    image: nginx
    ports: [{containerPort: 80}]
    env: [{name: A, value: b}]
    volumeMounts: [{name: cache, mountPath: /var/cache}]
  volumes: [{name: cache, emptyDir: {}}]
`;

const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', labels: { 'kubernetes.io/hostname': 'node-1' } },
  status: {
    capacity: { cpu: '2', memory: '4Gi', pods: '110' },
    allocatable: { cpu: '2', memory: '4Gi', pods: '110' },
    addresses: [{ type: 'InternalIP', address: '10.1.2.3' }, { type: 'Hostname', address: 'node-1' }],
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready', lastHeartbeatTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    nodeInfo: { kubeletVersion: 'v1.20.2', osImage: 'Debian GNU/Linux 12', kernelVersion: '6.1.0', containerRuntimeVersion: 'docker://20.10.24', architecture: 'amd64', operatingSystem: 'linux', bootID: 'b', kubeProxyVersion: 'v1.20.2', machineID: 'm', systemUUID: 's' },
  },
};

const hasKubectl = ((): boolean => {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

interface Ran {
  readonly code: number;
  /** Standard output and standard error together. */
  readonly text: string;
}

describe.skipIf(!hasKubectl)('with kubectl a person', () => {
  let api: EmbeddedApi;
  let home: string;
  let file: string;

  const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: home, KUBECONFIG: join(home, 'config'), KUBE_EDITOR: 'sed -i s/color:.*/color:\\ green/' });

  function kubectl(...args: string[]): Promise<Ran> {
    return new Promise((resolve) => {
      execFile('kubectl', args, { env: environment(), timeout: 60_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, text: stdout + stderr });
      });
    });
  }

  async function succeeds(...args: string[]): Promise<string> {
    const { code, text } = await kubectl(...args);
    expect([`kubectl ${args.join(' ')}`, code, text]).toEqual([`kubectl ${args.join(' ')}`, 0, text]);
    return text;
  }

  async function request(method: string, path: string, body: unknown, type = 'application/json'): Promise<void> {
    const response = await fetch(api.url + path, { method, body: JSON.stringify(body), headers: { 'content-type': type } });
    if (!response.ok && response.status !== 404) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    await response.body?.cancel();
  }

  /** Does with a pod what a scheduler and a kubelet would. */
  async function actOn(pod: KubernetesObject): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    const { spec, status } = pod as unknown as { spec: { nodeName?: string; containers: { name: string; image: string }[] }; status: { phase: string } };
    if (pod.metadata.labels?.['stay'] === 'pending') return;
    if (pod.metadata.deletionTimestamp !== undefined) await request('DELETE', path, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
    else if (spec.nodeName === undefined) await request('POST', `${path}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: pod.metadata.name }, target: { kind: 'Node', name: 'node-1' } });
    else if (status.phase === 'Pending') {
      const containerStatuses = spec.containers.map(({ name, image }) => ({ name, image, imageID: 'docker://sha256:1', containerID: 'docker://1', ready: true, started: true, restartCount: 0, state: { running: { startedAt: new Date().toISOString() } } }));
      const conditions = ['Initialized', 'Ready', 'ContainersReady'].map((type) => ({ type, status: 'True', lastTransitionTime: new Date().toISOString() }));
      await request('PATCH', `${path}/status`, { metadata: { uid: pod.metadata.uid }, status: { phase: 'Running', podIP: '10.0.0.7', hostIP: '10.1.2.3', startTime: new Date().toISOString(), conditions, containerStatuses } }, 'application/strategic-merge-patch+json');
      await request('POST', `/api/v1/namespaces/${pod.metadata.namespace}/events`, {
        apiVersion: 'v1', kind: 'Event', metadata: { generateName: `${pod.metadata.name}.` }, type: 'Normal', reason: 'Started', message: 'Started container nginx', count: 1, source: { component: 'kubelet', host: 'node-1' },
        firstTimestamp: new Date().toISOString(), lastTimestamp: new Date().toISOString(),
        involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid, fieldPath: 'spec.containers{nginx}' },
      });
    }
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'km-kubectl-'));
    file = join(home, 'nginx.yaml');
    await writeFile(file, POD);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  beforeEach(async () => {
    api = await EmbeddedApi.start();
    const failures: unknown[] = [];
    const work = new Set<Promise<void>>();
    const stop = api.onChange(({ type, object }) => {
      if (type === 'DELETED' || object.kind !== 'Pod') return;
      const done = Promise.resolve().then(() => actOn(object)).catch((error: unknown) => void failures.push(error));
      work.add(done);
      void done.then(() => work.delete(done));
    });
    await writeFile(join(home, 'config'), api.kubeconfig());
    api.put({ ...NODE, metadata: { ...NODE.metadata, uid: 'n', creationTimestamp: new Date().toISOString() } });
    onTestFinished(async () => {
      stop();
      await Promise.all(work);
      await api.stop();
      expect(failures).toEqual([]);
    });
  });

  test('creates a pod, sees it in every form, and deletes it', async () => {
    expect(await succeeds('create', '-f', file)).toBe('pod/nginx created\n');
    expect(await succeeds('wait', '--for=condition=Ready', 'pod/nginx', '--timeout=20s')).toBe('pod/nginx condition met\n');
    expect(await succeeds('get', 'pods')).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\nnginx +1\/1 +Running +0 +\d+s\n$/);
    expect(await succeeds('get', 'pods', '-o', 'wide')).toMatch(/READINESS GATES\nnginx +1\/1 +Running +0 +\d+s +10\.0\.0\.7 +node-1 +<none> +<none>\n$/);
    expect(await succeeds('get', 'po', '-A', '--no-headers')).toMatch(/^default +nginx +1\/1 /);
    expect(await succeeds('get', 'pod', 'nginx', '-o', 'name')).toBe('pod/nginx\n');
    expect(await succeeds('get', 'pod', 'nginx', '-o', 'jsonpath={.status.podIPs[0].ip}')).toBe('10.0.0.7');
    expect(await succeeds('get', 'pod', 'nginx', '-o', 'yaml')).toContain('\n  phase: Running\n');
    expect(JSON.parse(await succeeds('get', 'pods', '-o', 'json'))).toMatchObject({ kind: 'List', items: [{ kind: 'Pod', metadata: { name: 'nginx' } }] });
    expect(await succeeds('get', 'pods', '-l', 'app=nginx,!x', '-o', 'name')).toBe('pod/nginx\n');
    expect(await succeeds('get', 'pods', '--field-selector', 'status.phase=Running,spec.nodeName=node-1', '-o', 'name')).toBe('pod/nginx\n');
    expect(await succeeds('get', 'pods', '--field-selector', 'status.phase=Failed')).toBe('No resources found in default namespace.\n');
    expect(await succeeds('get', 'all')).toMatch(/^NAME .*\npod\/nginx +1\/1 /);
    expect(await succeeds('delete', 'pod', 'nginx', '--timeout=20s')).toBe('pod "nginx" deleted\n');
    expect(await kubectl('get', 'pod', 'nginx')).toEqual({ code: 1, text: 'Error from server (NotFound): pods "nginx" not found\n' });
  });

  test('reads the whole story of a pod, and of its node, with describe', async () => {
    await succeeds('create', '-f', file);
    await succeeds('wait', '--for=condition=Ready', 'pod/nginx', '--timeout=20s');
    await expect.poll(() => api.list({ group: '', resource: 'events' }).length).toBe(1);
    const pod = await succeeds('describe', 'pod', 'nginx');
    for (const line of [/^Node: +node-1\/10\.1\.2\.3$/m, /^Status: +Running$/m, /^IP: +10\.0\.0\.7$/m, /State: +Running/, /Ready +True/, /Type: +EmptyDir/, /QoS Class: +BestEffort/, / +Normal +Started +\d+s +kubelet +Started container nginx/]) expect(pod).toMatch(line);
    const node = await succeeds('describe', 'node', 'node-1');
    for (const line of [/^Name: +node-1$/m, /KubeletReady/, /InternalIP: +10\.1\.2\.3/, /default +nginx +0 \(0%\)/]) expect(node).toMatch(line);
    expect(await succeeds('get', 'events', '--sort-by=.metadata.creationTimestamp')).toMatch(/LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\d+s +Normal +Started +pod\/nginx +Started container nginx\n/);
    expect(await succeeds('get', 'events', '-o', 'wide')).toMatch(/spec\.containers\{nginx\} +kubelet, node-1 +Started container nginx +\d+s +1 +nginx\./);
    expect(await succeeds('events', '--for', 'pod/nginx')).toMatch(/\d+s +Normal +Started +Pod\/nginx +Started container nginx/);
  });

  test('sees the nodes and namespaces', async () => {
    expect(await succeeds('get', 'nodes')).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION\nnode-1 +Ready +<none> +\d+s +v1\.20\.2\n$/);
    expect(await succeeds('get', 'nodes', '-o', 'wide')).toMatch(/10\.1\.2\.3 +<none> +Debian GNU\/Linux 12 +6\.1\.0 +docker:\/\/20\.10\.24\n$/);
    expect(await succeeds('get', 'ns')).toMatch(/^NAME +STATUS +AGE\ndefault +Active +\d+s\nkube-node-lease +Active .*\nkube-public .*\nkube-system .*\n$/);
    await succeeds('cordon', 'node-1');
    expect(await succeeds('get', 'no')).toContain('Ready,SchedulingDisabled');
    await succeeds('uncordon', 'node-1');
  });

  test('changes a pod by label, annotate, patch in three ways, set image, edit and replace', async () => {
    await succeeds('create', '-f', file);
    const image = (): Promise<string> => succeeds('get', 'pod', 'nginx', '-o', 'jsonpath={.spec.containers[0].image}');
    expect(await succeeds('label', 'pod', 'nginx', 'color=red')).toBe('pod/nginx labeled\n');
    expect((await kubectl('label', 'pod', 'nginx', 'color=blue')).text).toContain("'color' already has a value (red), and --overwrite is false");
    expect(await succeeds('label', 'pod', 'nginx', 'app-')).toBe('pod/nginx unlabeled\n');
    expect(await succeeds('annotate', 'pod', 'nginx', 'note=x')).toBe('pod/nginx annotated\n');
    expect(await succeeds('patch', 'pod', 'nginx', '-p', '{"spec":{"containers":[{"name":"nginx","image":"nginx:2"}]}}')).toBe('pod/nginx patched\n');
    expect(await image()).toBe('nginx:2');
    expect(await succeeds('patch', 'pod', 'nginx', '--type=merge', '-p', '{"metadata":{"labels":{"tier":"front"}}}')).toBe('pod/nginx patched\n');
    expect(await succeeds('patch', 'pod', 'nginx', '--type=json', '-p', '[{"op":"replace","path":"/spec/containers/0/image","value":"nginx:3"}]')).toBe('pod/nginx patched\n');
    expect(await image()).toBe('nginx:3');
    expect(await succeeds('patch', 'pod', 'nginx', '--type=json', '-p', '[]')).toBe('pod/nginx patched (no change)\n');
    expect(await succeeds('set', 'image', 'pod/nginx', 'nginx=nginx:4')).toBe('pod/nginx image updated\n');
    expect(await succeeds('edit', 'pod', 'nginx')).toBe('pod/nginx edited\n');
    expect(await succeeds('get', 'pod', 'nginx', '--show-labels')).toContain('color=green,tier=front');
    const live = join(home, 'live.yaml');
    await writeFile(live, (await succeeds('get', 'pod', 'nginx', '-o', 'yaml')).replace('image: nginx:4', 'image: nginx:5'));
    expect(await succeeds('replace', '-f', live)).toBe('pod/nginx replaced\n');
    expect((await kubectl('replace', '-f', live)).text).toContain('the object has been modified; please apply your changes to the latest version and try again');
    expect((await kubectl('patch', 'pod', 'nginx', '-p', '{"spec":{"containers":[{"name":"nginx","command":["x"]}]}}')).text).toMatch(/^The Pod "nginx" is invalid: spec: Forbidden: pod updates may not change fields other than/);
  });

  test('applies: creates, then changes only what the file changed; or lets the server do it', async () => {
    expect(await succeeds('apply', '-f', file)).toBe('pod/nginx created\n');
    expect(await succeeds('apply', '-f', file)).toBe('pod/nginx unchanged\n');
    expect(await succeeds('diff', '-f', file)).toBe('');
    const changed = join(home, 'changed.yaml');
    await writeFile(changed, POD.replace('app: nginx', 'app: web').replace('image: nginx', 'image: nginx:2'));
    expect((await kubectl('diff', '-f', changed)).text).toMatch(/\n- +app: nginx\n\+ +app: web\n/);
    expect(await succeeds('apply', '-f', changed, '--dry-run=server')).toBe('pod/nginx configured (server dry run)\n');
    expect(await succeeds('apply', '-f', changed)).toBe('pod/nginx configured\n');
    expect(await succeeds('get', 'pod', 'nginx', '-o', 'jsonpath={.metadata.labels.app} {.spec.containers[0].image} {.spec.containers[0].env[0].name}')).toBe('web nginx:2 A');
    expect(await succeeds('apply', '--server-side', '-f', changed)).toBe('pod/nginx serverside-applied\n');
    expect((await kubectl('apply', '--server-side', '--field-manager=other', '-f', file)).text).toContain('conflict with "kubectl": .metadata.labels.app');
  });

  test('follows pods with -w, and only what comes with --watch-only', async () => {
    await succeeds('run', 'first', '--image=nginx', '--labels=stay=pending');
    const watching = spawn('kubectl', ['get', 'pods', '--watch-only', '--no-headers'], { env: environment() });
    onTestFinished(() => void watching.kill());
    const begun = new Promise<void>((resolve) => {
      const stop = api.onRequest(({ path }) => {
        if (!path.includes('watch=true')) return;
        stop();
        resolve();
      });
    });
    await begun;
    const words: string[] = [];
    await Promise.all([
      succeeds('run', 'nginx', '--image=nginx').then(() => succeeds('delete', 'pod', 'nginx')),
      (async () => {
        for await (const line of createInterface(watching.stdout)) {
          words.push(line.split(/ +/).slice(0, 3).join(' '));
          if (words.filter((word) => word.endsWith('Terminating')).length > 1) return;
        }
      })(),
    ]);
    expect(words[0]).toBe('nginx 0/1 Pending');
    expect(words).toContain('nginx 1/1 Running');
    expect(words.at(-1)).toBe('nginx 1/1 Terminating');
  });

  test('deletes at once by force, waits for deletion, deletes all', async () => {
    await succeeds('create', '-f', file);
    expect(await succeeds('delete', 'pod', 'nginx', '--grace-period=0', '--force')).toContain('pod "nginx" force deleted');
    await succeeds('create', '-f', file);
    expect(await succeeds('delete', '-f', file, '--wait=false')).toBe('pod "nginx" deleted\n');
    await succeeds('wait', '--for=delete', 'pod/nginx', '--timeout=20s');
    await succeeds('run', 'a', '--image=nginx');
    await succeeds('run', 'b', '--image=nginx');
    expect(await succeeds('delete', 'pods', '--all')).toBe('pod "a" deleted\npod "b" deleted\n');
    expect(await succeeds('get', 'pods')).toBe('No resources found in default namespace.\n');
    expect(await succeeds('delete', 'pod', 'nginx', '--ignore-not-found')).toBe('');
  });

  test('creates config maps, secrets, namespaces and more, and deletes a namespace with all in it', async () => {
    expect(await succeeds('create', 'ns', 'blue')).toBe('namespace/blue created\n');
    expect(await succeeds('create', 'configmap', 'c', '--from-literal=a=b', '-n', 'blue')).toBe('configmap/c created\n');
    expect(await succeeds('create', 'secret', 'generic', 's', '--from-literal=user=me', '-n', 'blue')).toBe('secret/s created\n');
    expect(await succeeds('get', 'cm,secret', '-n', 'blue', '--no-headers')).toMatch(/^configmap\/c +1 +\d+s\n+secret\/s +Opaque +1 +\d+s\n$/);
    expect(await succeeds('get', 'secret', 's', '-n', 'blue', '-o', 'jsonpath={.data.user}')).toBe('bWU=');
    expect(await succeeds('create', 'serviceaccount', 'bob', '-n', 'blue')).toBe('serviceaccount/bob created\n');
    expect((await succeeds('create', 'token', 'bob', '-n', 'blue')).split('.')).toHaveLength(3);
    expect(await succeeds('create', 'deployment', 'd', '--image=nginx', '-n', 'blue')).toBe('deployment.apps/d created\n');
    expect(await succeeds('scale', 'deployment', 'd', '--replicas=3', '-n', 'blue')).toBe('deployment.apps/d scaled\n');
    expect(await succeeds('create', 'service', 'clusterip', 'web', '--tcp=80', '-n', 'blue')).toBe('service/web created\n');
    expect(await succeeds('run', 'nginx', '--image=nginx', '-n', 'blue')).toBe('pod/nginx created\n');
    expect(await succeeds('delete', 'ns', 'blue', '--timeout=20s')).toBe('namespace "blue" deleted\n');
    expect((await kubectl('create', 'configmap', 'c', '-n', 'blue')).text).toBe('error: failed to create configmap: namespaces "blue" not found\n');
  });

  test('is told what is wrong', async () => {
    const bad = join(home, 'bad.yaml');
    const refused = async (text: string): Promise<string> => {
      await writeFile(bad, text);
      const { code, text: words } = await kubectl('create', '-f', bad);
      expect(code).toBe(1);
      return words;
    };
    expect(await refused(POD.replace('image:', 'imagine:'))).toBe(`Error from server (BadRequest): error when creating "${bad}": Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imagine"\n`);
    expect(await refused(POD.replace('image: nginx', 'image: ""'))).toBe(`The Pod "nginx" is invalid: spec.containers[0].image: Required value\n`);
    expect(await refused(POD.replace('name: cache, mountPath', 'name: cash, mountPath'))).toBe('The Pod "nginx" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "cash"\n');
    await succeeds('create', '-f', file);
    expect(await refused(POD)).toBe(`Error from server (AlreadyExists): error when creating "${bad}": pods "nginx" already exists\n`);
    expect((await kubectl('logs', 'nginx')).text).toContain('node "node-1" does not say where its API is');
    expect((await kubectl('exec', 'nginx', '--', 'ls')).text).toContain('node "node-1" does not say where its API is');
    expect((await kubectl('get', 'unicorns')).text).toBe('error: the server doesn\'t have a resource type "unicorns"\n');
    expect((await kubectl('get', 'pods', '--field-selector', 'spec.image=x')).text).toContain('field label not supported: spec.image');
  });

  test('comes in by TLS with the kubeconfig, and not without its token', async () => {
    const secure = await EmbeddedApi.start({ tls: true });
    onTestFinished(() => secure.stop());
    await writeFile(join(home, 'config'), secure.kubeconfig());
    expect(await succeeds('create', 'configmap', 'c', '--from-literal=a=b')).toBe('configmap/c created\n');
    expect(await succeeds('get', 'cm', '--no-headers')).toMatch(/^c +1 /);
    await writeFile(join(home, 'config'), secure.kubeconfig().replace(secure.token, 'guess'));
    expect(await kubectl('get', 'cm')).toMatchObject({ code: 1, text: expect.stringContaining('You must be logged in to the server (Unauthorized)') as string });
  });

  test('asks what there is', async () => {
    expect(await succeeds('version')).toMatch(/Server Version: v1\.32\.\d+/);
    expect(await succeeds('cluster-info')).toContain(api.url);
    expect(await succeeds('api-versions')).toMatch(/^apps\/v1\n[^]*\nv1\n$/);
    expect(await succeeds('api-resources')).toMatch(/^pods +po +v1 +true +Pod$/m);
    expect(await succeeds('explain', 'pod.spec.containers.env')).toContain('FIELD: env <[]EnvVar>');
    expect(await succeeds('auth', 'can-i', 'create', 'pods')).toBe('yes\n');
    expect(await succeeds('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')).toBe('kubernetes-admin');
    expect(await succeeds('get', '--raw', '/readyz')).toBe('ok');
    expect(JSON.parse(await succeeds('get', '--raw', '/api/v1/namespaces/default'))).toMatchObject({ kind: 'Namespace' });
  });
});
