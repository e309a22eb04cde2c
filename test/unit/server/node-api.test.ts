import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/index.ts';
import type { Engine, EngineInfo } from '../../../src/docker/index.ts';
import { startNodeApi, type Containers, type NodeApi } from '../../../src/server/index.ts';
import { observeClaims } from '../../../src/server/stats/claim-metrics.ts';
import { Metrics, silentLogger } from '../../../src/telemetry/index.ts';
import { Authority } from './support/authority.ts';

let rootDir: string;
beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'km-node-api-'));
});
afterEach(() => rm(rootDir, { recursive: true }));

/** A node without pods, and an administrator who may ask it. */
async function nodeApi(metrics: Metrics): Promise<{ api: NodeApi; ask: (path: string) => Promise<string> }> {
  const authority = await Authority.create();
  const clientCaFile = join(rootDir, 'ca.crt');
  await writeFile(clientCaFile, authority.cert);
  const client = await authority.client([{ CN: ['admin'] }]);
  const api = await startNodeApi({
    https: { address: '127.0.0.1', port: 0 },
    nodeName: 'n1',
    names: ['n1'],
    addresses: ['127.0.0.1'],
    rotateServerCertificates: false,
    streamIdleTimeoutMs: 0,
    clientCaFile,
    pods: { all: () => [], find: () => undefined },
    containers: {} as Containers,
    engine: { imageBytes: async () => 4321 } as Partial<Engine> as Engine,
    engineInfo: { rootDir } as Partial<EngineInfo> as EngineInfo,
    rootDir,
    systemLogs: { enabled: false, directory: rootDir, linked: [] },
    metrics,
    kubeletConfig: () => ({}),
    checks: [],
    clock: systemClock,
    logger: silentLogger,
  });
  const ask = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: api.port, path, ...client, rejectUnauthorized: false, agent: false }, (answer) => void text(answer).then(resolve, reject));
      asked.on('error', reject).end();
    });
  return { api, ask };
}

const DAY = 86_400;

describe("the node's API as a whole", () => {
  it('tells how long its certificate is good, and how often it could not be renewed', async () => {
    await mkdir(join(rootDir, 'pki'));
    const { api, ask } = await nodeApi(new Metrics());
    const metrics = await ask('/metrics');
    const seconds = Number(/^kubelet_certificate_manager_server_ttl_seconds (\d+)$/m.exec(metrics)?.[1]);
    expect(seconds).toBeGreaterThan(364 * DAY);
    expect(seconds).toBeLessThan(367 * DAY);
    expect(metrics).toContain('\nkubelet_server_expiration_renew_errors 0\n');
    await api.stop();
  });

  it('tells of images what the Engine says of them', async () => {
    const { api, ask } = await nodeApi(new Metrics());
    const summary = JSON.parse(await ask('/stats/summary')) as { node: { runtime: { imageFs: { usedBytes: number } } } };
    expect(summary.node.runtime.imageFs.usedBytes).toBe(4321);
    await api.stop();
  });
});

describe('kubelet_volume_stats_*', () => {
  it('has the figures of each claim, looked up once for all of them', async () => {
    const metrics = new Metrics();
    let asked = 0;
    observeClaims(metrics, async () => {
      asked += 1;
      return [{ namespace: 'ns', claim: 'pvc', fileSystem: { capacity: 1000, available: 400, used: 500, inodes: 10, inodesFree: 4 } }];
    });
    const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('kubelet_volume_stats_'));
    const labels = '{namespace="ns",persistentvolumeclaim="pvc"}';
    expect(lines).toEqual([
      `kubelet_volume_stats_capacity_bytes${labels} 1000`,
      `kubelet_volume_stats_available_bytes${labels} 400`,
      `kubelet_volume_stats_used_bytes${labels} 500`,
      `kubelet_volume_stats_inodes${labels} 10`,
      `kubelet_volume_stats_inodes_free${labels} 4`,
      `kubelet_volume_stats_inodes_used${labels} 6`,
    ]);
    expect(asked).toBe(1);
    await metrics.text();
    expect(asked).toBe(2);
  });

  it('leaves the rest as it is where volumes cannot be looked up', async () => {
    const metrics = new Metrics();
    observeClaims(metrics, () => Promise.reject(new Error('no mount table')));
    const text = await metrics.text();
    expect(text).toContain('process_open_fds');
    expect(text).not.toContain('kubelet_volume_stats_used_bytes{');
  });
});
