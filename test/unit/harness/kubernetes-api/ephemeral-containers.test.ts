import { describe, expect, test } from 'vitest';
import { pod, PODS, startApi } from './client.ts';

const KUBECTL_1_20 = { 'user-agent': 'kubectl/v1.20.2 (linux/amd64) kubernetes/faecb19' };
const path = `${PODS}/web/ephemeralcontainers`;
const debugger1 = { name: 'd1', image: 'busybox', imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} };

describe('ephemeral containers', () => {
  test('are a list of their own for a kubectl before 1.22', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    const before = await call('GET', path, undefined, KUBECTL_1_20);
    expect(before.body).toMatchObject({ kind: 'EphemeralContainers', metadata: { name: 'web' }, ephemeralContainers: [] });
    const after = await call('PUT', path, { ...before.body, ephemeralContainers: [debugger1] }, KUBECTL_1_20);
    expect(after).toMatchObject({ code: 200, body: { kind: 'EphemeralContainers', ephemeralContainers: [debugger1] } });
    expect((await call('GET', `${PODS}/web`)).body).toMatchObject({ kind: 'Pod', spec: { containers: [{ name: 'web' }], ephemeralContainers: [debugger1] } });
  });

  test('are part of the pod for every other client', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    const patched = await call('PATCH', path, { spec: { ephemeralContainers: [debugger1] } }, { 'content-type': 'application/strategic-merge-patch+json' });
    expect(patched).toMatchObject({ code: 200, body: { kind: 'Pod', spec: { ephemeralContainers: [debugger1] } } });
    expect((await call('GET', path)).body).toMatchObject({ kind: 'Pod', spec: { ephemeralContainers: [debugger1] } });
  });
});
