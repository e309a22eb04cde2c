import { request as httpRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { NodeProxy } from '../../../../src/harness/kubernetes-api/index.ts';
import { pod, PODS, startApi } from './client.ts';

/** Asks for an upgrade; resolves with the status line's code and the body, or what came after the switch. */
function upgrade(url: string, headers: Record<string, string> = {}): Promise<{ code: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { method: 'POST', headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers } });
    asked.on('error', reject);
    asked.on('upgrade', (response, socket, head) => {
      let text = head.toString();
      socket.on('data', (data: Buffer) => (text += data.toString()));
      socket.on('close', () => resolve({ code: response.statusCode, text }));
    });
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => resolve({ code: response.statusCode, text }));
    });
    asked.end();
  });
}

const nodeProxy: NodeProxy = {
  request: ({ object, subresource, rest }, _request, response) => response.end(`${object.metadata.name} ${subresource} ${rest}`),
  upgrade: ({ object, subresource, rest }, _request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n');
    socket.write(`${object.metadata.name} ${subresource} ${rest}`);
  },
};

describe('what only the node can answer', () => {
  test('goes to the node, when there is a way to it', async () => {
    const { call } = await startApi({ nodeProxy });
    await call('POST', PODS, pod('web'));
    expect((await call('GET', `${PODS}/web/log?tailLines=3`)).body).toEqual({ text: 'web log ?tailLines=3' });
    await call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
    expect((await call('GET', '/api/v1/nodes/n1/proxy/stats/summary')).body).toEqual({ text: 'n1 proxy /stats/summary' });
  });

  test('goes there with an upgraded connection too, which ends with the server', async () => {
    const begun = Promise.withResolvers<void>();
    const { api, call } = await startApi({ nodeProxy: { ...nodeProxy, upgrade: (...all) => void (nodeProxy.upgrade(...all), begun.resolve()) } });
    await call('POST', PODS, pod('web'));
    const answer = upgrade(`${api.url}${PODS}/web/exec?command=ls`);
    await begun.promise;
    const stopped = new Promise<void>((resolve, reject) => setImmediate(() => void api.stop().then(resolve, reject)));
    expect(await answer).toEqual({ code: 101, text: 'web exec ?command=ls' });
    await stopped;  });

  test('is refused when there is none, or when it is wrong', async () => {
    const { api, call } = await startApi();
    await call('POST', PODS, pod('web'));
    const without = await upgrade(`${api.url}${PODS}/web/exec?command=ls`);
    expect([without.code, JSON.parse(without.text)]).toMatchObject([501, { kind: 'Status', message: 'the API server has no way to the node of pod "web": exec is not served' }]);
    expect((await upgrade(`${api.url}${PODS}/no/exec`)).code).toBe(404);
    expect((await upgrade(`${api.url}${PODS}/web/exec?container=x`)).code).toBe(400);
    expect((await upgrade(`${api.url}${PODS}`)).code).toBe(400);
    expect((await upgrade(`${api.url}${PODS}/web/exec`, { authorization: 'Bearer guess' })).code).toBe(401);
  });

  test('names the containers to choose from', async () => {
    const { call } = await startApi({ nodeProxy });
    await call('POST', PODS, pod('web', { spec: { initContainers: [{ name: 'init', image: 'x' }], containers: [{ name: 'a', image: 'x' }, { name: 'b', image: 'x' }] } }));
    const { code, body } = await call('GET', `${PODS}/web/log`);
    expect([code, body.message]).toEqual([400, 'a container name must be specified for pod web, choose one of: [a b] or one of the init containers: [init]']);
  });
});

test('a name that a web page could have made its own is refused', async () => {
  const { api } = await startApi();
  expect((await upgrade(`${api.url}${PODS}`, { host: 'evil.example:80' })).code).toBe(403);
});
