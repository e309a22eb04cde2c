import { describe, expect, it } from 'vitest';
import { bindPod, deletePod, patchStatus, type KubernetesClient } from '../../../src/kubernetes/index.ts';
import { statusPatch } from '../../../src/kubernetes/status-patch.ts';
import type { PodStatus } from '../../../src/pod/index.ts';
import { answer, refuse, ScriptedApi, type Script } from './scripted-api.ts';

const pod = { uid: 'u1', namespace: 'ns', name: 'p' };
const PATH = '/api/v1/namespaces/ns/pods/p';
const object = (uid: string, rest: object = {}): object => ({ kind: 'Pod', metadata: { name: 'p', namespace: 'ns', uid }, ...rest });
const running: PodStatus = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

const byMethod =
  (scripts: Record<string, Script>): Script =>
  (request, response) =>
    scripts[request.method]?.(request, response);
const ok: Script = (_request, response) => answer(response, 200, object('u1'));
const refuses =
  (code: number, reason: string): Script =>
  (_request, response) =>
    refuse(response, code, reason);
const has =
  (uid: string, rest: object = {}): Script =>
  (_request, response) =>
    answer(response, 200, object(uid, rest));

describe('a status', () => {
  it('goes out in one round trip when we know what the API holds, guarded by the UID', async () => {
    await using api = await ScriptedApi.start(ok);
    expect(await patchStatus({ client: api.client(), pod, status: running, previous: { phase: 'Pending' } })).toBe('done');
    expect(api.calls).toEqual([`PATCH ${PATH}/status`]);
    expect(api.requests[0]?.body).toMatchObject({ metadata: { uid: 'u1' }, status: running });
  });

  it('is not sent when the API holds it already', async () => {
    await using api = await ScriptedApi.start(byMethod({ GET: has('u1', { status: running }), PATCH: ok }));
    expect(await patchStatus({ client: api.client(), pod, status: running, previous: structuredClone(running) })).toBe('done');
    expect(api.calls).toEqual([]);
    expect(await patchStatus({ client: api.client(), pod, status: running })).toBe('done');
    expect(api.calls).toEqual([`GET ${PATH}`]);
  });

  it.each<[string, Record<string, Script>, string, string[]]>([
    ['gone', { GET: refuses(404, 'NotFound') }, 'gone', ['GET']],
    ['another one', { GET: has('u2') }, 'other-uid', ['GET']],
    ['ours', { GET: has('u1'), PATCH: ok }, 'done', ['GET', 'PATCH']],
  ])('asks first when we do not know what the API holds, and the pod is %s', async (_what, scripts, outcome, methods) => {
    await using api = await ScriptedApi.start(byMethod(scripts));
    expect(await patchStatus({ client: api.client(), pod, status: running })).toBe(outcome);
    expect(api.requests.map(({ method }) => method)).toEqual(methods);
  });

  it.each<[string, Record<string, Script>, string]>([
    ['404', { PATCH: refuses(404, 'NotFound') }, 'gone'],
    ['409, and it has another pod of that name', { PATCH: refuses(409, 'Conflict'), GET: has('u2') }, 'other-uid'],
    ['422 (the UID never changes), and it has another pod of that name', { PATCH: refuses(422, 'Invalid'), GET: has('u2') }, 'other-uid'],
    ['409, and the pod went meanwhile', { PATCH: refuses(409, 'Conflict'), GET: refuses(404, 'NotFound') }, 'gone'],
  ])('that the API answers with %s', async (_what, scripts, outcome) => {
    await using api = await ScriptedApi.start(byMethod(scripts));
    expect(await patchStatus({ client: api.client(), pod, status: running, previous: {} })).toBe(outcome);
  });

  it.each<[string, Record<string, Script>, string]>([
    ['it is really invalid', { PATCH: refuses(422, 'Invalid'), GET: has('u1') }, 'invalid'],
    ['the server fails', { PATCH: refuses(500, 'InternalError') }, 'unavailable'],
    ['we may not', { PATCH: refuses(403, 'Forbidden') }, 'denied'],
    ['it is refused and then nobody answers', { PATCH: refuses(409, 'Conflict'), GET: refuses(503, 'ServiceUnavailable') }, 'unavailable'],
  ])('throws when %s', async (_what, scripts, code) => {
    await using api = await ScriptedApi.start(byMethod(scripts));
    await expect(patchStatus({ client: api.client(), pod, status: running, previous: {} })).rejects.toMatchObject({ code });
  });

  const nothing = { message: null, reason: null, podIP: null, podIPs: null, initContainerStatuses: null, containerStatuses: null, ephemeralContainerStatuses: null };

  it.each<[string, PodStatus, PodStatus, object]>([
    ['takes out all of ours that is over', {}, { phase: 'Running' }, { ...nothing, phase: 'Running' }],
    ['takes out what is undefined', {}, { phase: 'Running', reason: undefined } as unknown as PodStatus, { ...nothing, phase: 'Running' }],
    [
      'leaves the conditions of others alone',
      {},
      { conditions: [{ type: 'example.com/gate', status: 'True' }, { type: 'PodScheduled', status: 'True' }] },
      { ...nothing, conditions: [{ type: 'PodScheduled', status: 'True' }] },
    ],
    ['keeps what it has', {}, { phase: 'Failed', reason: 'Evicted', message: 'm', startTime: 't' }, { ...nothing, phase: 'Failed', reason: 'Evicted', message: 'm', startTime: 't' }],
    ['gives the first address without directives', {}, { podIPs: [{ ip: '10.0.0.1' }] }, { ...nothing, podIPs: [{ ip: '10.0.0.1' }] }],
    [
      'takes out an old address',
      { podIPs: [{ ip: '10.0.0.1' }] },
      { podIPs: [{ ip: '10.0.0.2' }] },
      { ...nothing, podIPs: [{ ip: '10.0.0.2' }, { $patch: 'delete', ip: '10.0.0.1' }] },
    ],
    ['takes out all addresses', { podIPs: [{ ip: '10.0.0.1' }] }, { phase: 'Failed' }, { ...nothing, phase: 'Failed' }],
  ])('%s', (_what, held, status, wanted) => {
    expect(statusPatch('u', status, held)).toEqual({ metadata: { uid: 'u' }, status: wanted });
  });

  it('that is refused because the API holds another address than we thought is sent again, with that taken out', async () => {
    const status: PodStatus = { phase: 'Running', podIPs: [{ ip: '10.0.0.2' }] };
    await using api = await ScriptedApi.start((request, response) => {
      const patch = request.body as { status: PodStatus } | undefined;
      if (request.method === 'GET') answer(response, 200, object('u1', { status: { podIPs: [{ ip: '10.0.0.1' }] } }));
      else if (patch?.status.podIPs?.length === 2) answer(response, 200, object('u1'));
      else refuse(response, 422, 'Invalid', 'may specify no more than one IP for each IP family');
    });
    expect(await patchStatus({ client: api.client(), pod, status, previous: {} })).toBe('done');
    expect(api.requests.map(({ method }) => method)).toEqual(['PATCH', 'GET', 'PATCH']);
  });

  it('that conflicts with another write is sent again, once', async () => {
    await using api = await ScriptedApi.start(byMethod({ PATCH: refuses(409, 'Conflict'), GET: has('u1') }));
    await expect(patchStatus({ client: api.client(), pod, status: running, previous: {} })).rejects.toMatchObject({ code: 'conflict' });
    expect(api.requests.map(({ method }) => method)).toEqual(['PATCH', 'GET', 'PATCH']);
  });
});

describe('a deletion', () => {
  it.each<[string, Record<string, Script>, string]>([
    ['done', { DELETE: ok }, 'done'],
    ['gone already', { DELETE: refuses(404, 'NotFound') }, 'gone'],
    ['refused, for it is another pod', { DELETE: refuses(409, 'Conflict'), GET: has('u2') }, 'other-uid'],
    ['refused, and it went meanwhile', { DELETE: refuses(409, 'Conflict'), GET: refuses(404, 'NotFound') }, 'gone'],
  ])('is %s', async (_what, scripts, outcome) => {
    await using api = await ScriptedApi.start(byMethod(scripts));
    expect(await deletePod({ client: api.client(), pod })).toBe(outcome);
    expect(api.requests[0]?.body).toMatchObject({ gracePeriodSeconds: 0, preconditions: { uid: 'u1' } });
  });

  it('throws when the API is in trouble', async () => {
    await using api = await ScriptedApi.start(refuses(500, 'InternalError'));
    await expect(deletePod({ client: api.client(), pod })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a binding', () => {
  const bind = (client: KubernetesClient): Promise<string> => bindPod({ client, pod, nodeName: 'n1' });

  it('names node and UID', async () => {
    await using api = await ScriptedApi.start((_request, response) => answer(response, 201, { kind: 'Status', status: 'Success' }));
    expect(await bind(api.client())).toBe('done');
    expect(api.calls).toEqual([`POST ${PATH}/binding`]);
    expect(api.requests[0]?.body).toMatchObject({ kind: 'Binding', metadata: { uid: 'u1' }, target: { kind: 'Node', name: 'n1' } });
  });

  it.each<[string, Script, string]>([
    ['is bound to us already', has('u1', { spec: { nodeName: 'n1' } }), 'done'],
    ['is bound elsewhere', has('u1', { spec: { nodeName: 'n2' } }), 'elsewhere'],
    ['is another pod', has('u2', { spec: { nodeName: 'n1' } }), 'other-uid'],
    ['has gone', refuses(404, 'NotFound'), 'gone'],
  ])('that is refused when the pod %s', async (_what, get, outcome) => {
    await using api = await ScriptedApi.start(byMethod({ POST: refuses(409, 'Conflict'), GET: get }));
    expect(await bind(api.client())).toBe(outcome);
  });

  it('throws when the refusal has no reason that we can see', async () => {
    await using api = await ScriptedApi.start(byMethod({ POST: refuses(409, 'Conflict'), GET: has('u1') }));
    await expect(bind(api.client())).rejects.toMatchObject({ code: 'conflict' });
  });
});
