import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { selfSigned } from '../../../../src/harness/kubernetes-api/certificate.ts';
import type { EmbeddedApi } from '../../../../src/harness/kubernetes-api/index.ts';
import { pod, startApi, type Answer } from './client.ts';

const figures = { cpu: { time: '2020-01-01T00:00:00Z', usageNanoCores: 5 }, memory: { workingSetBytes: 2048 } };

/** A node with figures of itself and of these pods. */
async function startNode(api: EmbeddedApi, name: string, labels: Record<string, string>, pods: readonly string[]): Promise<void> {
  const identity = selfSigned(['127.0.0.1'], Date.now());
  const summary = { node: { nodeName: name, ...figures }, pods: pods.map((one) => ({ podRef: { name: one, namespace: 'default' }, ...figures, containers: [{ name: 'web', ...figures }] })) };
  const node: Server = createServer({ key: identity.key, cert: identity.certificate }, (request, response) => {
    if (request.url === '/stats/summary?only_cpu_and_memory=true') response.end(JSON.stringify(summary));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    node.closeAllConnections();
    node.close();
  });
  const { port } = node.address() as AddressInfo;
  api.put({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } } });
  for (const one of pods) api.put({ ...pod(one, { labels: { app: one }, spec: { nodeName: name } }), metadata: { name: one, namespace: 'default', labels: { app: one } } } as never);
}

const names = ({ body }: Answer): string[] => body.items.map(({ metadata }) => metadata.name).sort();

test.each([
  ['pods', '', ['a', 'b', 'c']],
  ['pods', 'fieldSelector=metadata.name%3Da', ['a']],
  ['pods', 'fieldSelector=metadata.name!%3Da,metadata.namespace%3Ddefault', ['b', 'c']],
  ['pods', 'fieldSelector=spec.nodeName%3Dn2', ['c']],
  ['pods', 'labelSelector=app!%3Db&fieldSelector=spec.nodeName%3Dn1', ['a']],
  ['nodes', '', ['n1', 'n2']],
  ['nodes', 'fieldSelector=metadata.name%3Dn2', ['n2']],
  ['nodes', 'labelSelector=disk%3Dssd', ['n1']],
])('figures of %s can be chosen with ?%s', async (resource, query, wanted) => {
  const { api, call } = await startApi();
  await startNode(api, 'n1', { disk: 'ssd' }, ['a', 'b']);
  await startNode(api, 'n2', {}, ['c']);
  const path = resource === 'pods' ? '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods' : '/apis/metrics.k8s.io/v1beta1/nodes';
  expect(names(await call('GET', `${path}?${query}`))).toEqual(wanted);
});

test('by fields that there are, only', async () => {
  const { call } = await startApi();
  expect(await call('GET', '/apis/metrics.k8s.io/v1beta1/pods?fieldSelector=spec.none%3Dx')).toMatchObject({ code: 400, body: { message: 'field label not supported: spec.none' } });
  expect(await call('GET', '/apis/metrics.k8s.io/v1beta1/nodes?fieldSelector=spec.nodeName%3Dx')).toMatchObject({ code: 400 });
});
