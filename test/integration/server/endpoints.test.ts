import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Node } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCluster, type Cluster } from '../../../src/harness/index.ts';
import { podResource, pods } from '../../../src/kubernetes/index.ts';
import type { Json, Pod } from '../../../src/pod/index.ts';
import { HAS_KUBECTL, Kubectl } from './try-kubectl.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

const NODE = 'endpoints-node';
let dir: string;
let cluster: Cluster;
let port: number;
let uid: string;

/** A request straight to the node, as metrics-server and Prometheus make them; with the administrator's token unless told. */
function ask(path: string, { token = cluster.api?.token, method = 'GET' }: { token?: string | undefined; method?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` };
    const sent = request({ host: '127.0.0.1', port, path, method, headers, rejectUnauthorized: false, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-endpoints-'));
  cluster = await startCluster({ stateDir: dir, nodeName: NODE });
  const node = await cluster.client.get<Json<V1Node>>({ apiVersion: 'v1', resource: 'nodes', name: NODE });
  port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  const busy = { name: 'busy', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'dd if=/dev/zero of=/big bs=1M count=3; echo started; while :; do :; done'], resources: { limits: { memory: '64Mi' } }, volumeMounts: [{ name: 'cache', mountPath: '/cache' }] };
  const probed = { ...busy, name: 'probed', command: ['sh', '-c', `mkdir /www; echo '<a href="/x">x</a>' >/www/index.html; exec httpd -f -p 8080 -h /www`], readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } };
  const spec = { terminationGracePeriodSeconds: 0, containers: [busy, probed], volumes: [{ name: 'cache', emptyDir: {} }] };
  const created = await cluster.client.create<Pod>(pods('default'), { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'load' }, spec });
  uid = created.metadata?.uid ?? '';
  const ready = async (): Promise<boolean> => {
    const { status } = await cluster.client.get<Pod>(podResource({ namespace: 'default', name: 'load' }));
    return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
  };
  await vi.waitUntil(ready, { timeout: 60_000, interval: 100 });
});
afterAll(async () => {
  await cluster?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('the API of a node', () => {
  it('is advertised, and closed to whoever has no credentials', async () => {
    expect(port).toBeGreaterThan(0);
    for (const path of ['/pods', '/runningpods/', '/stats/summary', '/metrics', '/metrics/cadvisor', '/metrics/resource', '/metrics/probes', '/configz', '/spec/', '/logs/', '/debug/pprof/', `/containerLogs/default/load/busy`, '/run/default/load/busy', '/exec/default/load/busy', '/attach/default/load/busy', '/portForward/default/load', '/pods/nothing', '/healthz']) {
      expect(await ask(path, { token: '' }), path).toEqual({ status: 401, body: 'Unauthorized' });
    }
    expect((await ask('/pods', { token: 'somebody-else' })).status).toBe(401);
  });

  it('tells its pods, what runs, its settings and the machine', async () => {
    const names = ({ body }: Answer): unknown => (JSON.parse(body) as { items: Pod[] }).items.map(({ metadata }) => metadata?.name);
    expect(names(await ask('/pods'))).toEqual(['load']);
    expect(names(await ask('/runningpods/'))).toEqual(['load']);
    expect(await ask('/healthz')).toEqual({ status: 200, body: 'ok' });
    expect(JSON.parse((await ask('/configz')).body)).toMatchObject({ kubeletconfig: { maxPods: 110 } });
    expect((JSON.parse((await ask('/spec/')).body) as { num_cores: number }).num_cores).toBeGreaterThan(0);
  });

  it('runs a command', async () => {
    expect(await ask(`/run/default/load/${uid}/probed?cmd=echo%20hello`, { method: 'POST' })).toEqual({ status: 200, body: 'hello\n' });
    expect(await ask('/run/default/load/probed?cmd=false', { method: 'POST' })).toMatchObject({ status: 500, body: "command 'false' exited with 1: " });
  });

  it('counts what metrics-server needs for kubectl top, in both of its ways', async () => {
    const read = async (): Promise<{ cpu: number; memory: number; at: number }> => {
      const { body } = await ask('/metrics/resource');
      const value = (name: string): RegExpExecArray | null => new RegExp(`^${name}\\{container="busy",namespace="default",pod="load"\\} (\\S+) (\\d+)$`, 'm').exec(body);
      expect(body).toMatch(/^node_cpu_usage_seconds_total [\d.]+ \d+$/m);
      expect(body).toMatch(/^node_memory_working_set_bytes \d+ \d+$/m);
      const cpu = value('container_cpu_usage_seconds_total');
      return { cpu: Number(cpu?.[1]), at: Number(cpu?.[2]), memory: Number(value('container_memory_working_set_bytes')?.[1]) };
    };
    const first = await read();
    let second = first;
    await expect.poll(async () => (second = await read()).at > first.at, { timeout: 30_000 }).toBe(true);
    const cores = (second.cpu - first.cpu) / ((second.at - first.at) / 1000);
    expect(cores).toBeGreaterThan(0.02);
    expect(cores).toBeLessThan(1.5);
    expect(second.memory).toBeGreaterThan(0);
    const summary = JSON.parse((await ask('/stats/summary?only_cpu_and_memory=true')).body) as { pods: { podRef: unknown; containers: { name: string; cpu: { usageNanoCores: number } }[] }[] };
    expect(summary.pods.map(({ podRef }) => podRef)).toEqual([{ name: 'load', namespace: 'default', uid }]);
    expect(summary.pods[0]?.containers.find(({ name }) => name === 'busy')?.cpu.usageNanoCores).toBeGreaterThan(2e7);
  });

  const kubectl = async (...args: string[]): Promise<string> => {
    const begun = new Kubectl('kubectl', args, { ...process.env, KUBECONFIG: cluster.kubeconfigPath, HOME: dir });
    begun.end();
    const { code, stdout, stderr } = await begun.ended;
    return code === 0 ? stdout : stderr;
  };

  it.skipIf(!HAS_KUBECTL)('is reached through the API, also where it sends to another path', async () => {
    for (const path of ['runningpods', 'runningpods/']) {
      expect(JSON.parse(await kubectl('get', '--raw', `/api/v1/nodes/${NODE}/proxy/${path}`)), path).toMatchObject({ kind: 'PodList', items: [{ metadata: { name: 'load' } }] });
    }
  });

  it.skipIf(!HAS_KUBECTL)('is not asked for what the pod itself can answer', async () => {
    const said = (place: string): Promise<string> => kubectl('get', '--raw', `/api/v1/namespaces/default/pods/${place}`);
    await vi.waitUntil(async () => (await said('load:8080/proxy/')) === '<a href="/api/v1/namespaces/default/pods/load:8080/proxy/x">x</a>\n', { timeout: 20_000, interval: 200 });
    expect(await said('http:load:8080/proxy')).toContain('load:8080/proxy/x');
    expect(await said('load:8081/proxy/')).toContain('error trying to reach service');
  });

  it.skipIf(!HAS_KUBECTL)('is what kubectl top shows', async () => {
    const top = (...args: string[]): Promise<string> => kubectl('top', ...args, '--no-headers');
    expect(await top('nodes')).toMatch(/^endpoints-node +\d+m +\d+% +\d+Mi +\d+% *\n$/);
    expect(await top('pods', '--containers')).toMatch(/^load +busy +[1-9]\d*m +\d+Mi *\nload +probed +\d+m +\d+Mi *\n$/);
    expect(await top('pod', 'nobody')).toContain('not found');
    const chosen = async (selector: string): Promise<number> => (JSON.parse(await kubectl('get', '--raw', `/apis/metrics.k8s.io/v1beta1/pods?fieldSelector=${selector}`)) as { items: unknown[] }).items.length;
    expect([await chosen('metadata.name%3Dload'), await chosen(`spec.nodeName!%3D${NODE}`)]).toEqual([1, 0]);
  });

  it('counts disks, volumes, networks and limits', async () => {
    const { node, pods: [pod] } = JSON.parse((await ask('/stats/summary')).body) as { node: { fs: { usedBytes: number }; runtime: { imageFs: { usedBytes: number } } }; pods: [{ containers: { name: string; rootfs: { usedBytes: number }; logs: { usedBytes: number }; memory: { availableBytes: number } }[] }] };
    expect(pod).toMatchObject({ network: { name: 'eth0' }, volume: [{ name: 'cache' }] });
    expect(node.runtime.imageFs.usedBytes).toBeGreaterThan(0);
    expect(node.runtime.imageFs.usedBytes).toBeLessThan(node.fs.usedBytes);
    const busy = pod.containers.find(({ name }) => name === 'busy');
    expect(busy?.rootfs.usedBytes).toBeGreaterThanOrEqual(3 * 2 ** 20);
    expect(busy?.logs.usedBytes).toBeGreaterThan(0);
    expect(busy?.memory.availableBytes).toBeLessThanOrEqual(64 * 2 ** 20);
    const { body } = await ask('/metrics/cadvisor');
    expect(body).toMatch(/^container_spec_memory_limit_bytes\{container="busy",.*pod="load"\} 67108864$/m);
    expect(body).toMatch(/^container_processes\{container="probed",.*pod="load"\} [1-9]\d* \d+$/m);
    expect(body).toMatch(/^container_network_receive_bytes_total\{container="POD",.*interface="eth0",.*pod="load"\} \d+ \d+$/m);
  });

  it('counts what the executor does', async () => {
    const { body } = await ask('/metrics');
    for (const line of [/^kubelet_running_pods 1$/m, /^kubelet_running_containers\{container_state="running"\} 2$/m, /^kubelet_node_name\{node="endpoints-node"\} 1$/m, /^kubelet_runtime_operations_total\{operation_type="create_container"\} 3$/m, /^kubelet_pod_start_duration_seconds_count 1$/m, /^km_mesos_updates_total\{state="TASK_RUNNING"\} \d+$/m, /^km_mesos_updates_unacknowledged 0$/m, /^km_mesos_oldest_unacknowledged_seconds 0$/m, /^km_mesos_reconnects_total 0$/m, /^rest_client_requests_total\{code="201",method="POST",host="127\.0\.0\.1:\d+"\} [1-9]/m, /^rest_client_request_duration_seconds_count\{verb="GET",url="https?:\/\/127\.0\.0\.1:\d+\/api\/v1\/nodes\/%7Bname%7D"\} [1-9]/m, /^kubernetes_build_info\{.*gitVersion="v1\..*\} 1$/m, /^kubelet_certificate_manager_server_ttl_seconds [1-9]\d+$/m, /^kubelet_certificate_manager_client_ttl_seconds \+Inf$/m, /^volume_manager_total_volumes\{plugin_name="kubernetes.io\/empty-dir",state="actual_state_of_world"\} 1$/m, /^km_mesos_status_lag_seconds_count\{side="mesos"\} [1-9]/m, /^km_mesos_status_lag_seconds_count\{side="kubernetes"\} [1-9]/m, /^process_resident_memory_bytes \d+$/m]) {
      expect(body).toMatch(line);
    }
    expect((await ask('/metrics/probes')).body).toMatch(/^prober_probe_total\{probe_type="Readiness",container="probed",pod="load",namespace="default",pod_uid="[^"]+",result="successful"\} \d+$/m);
  });
});
