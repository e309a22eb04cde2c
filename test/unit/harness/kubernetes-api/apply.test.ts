import { describe, expect, test } from 'vitest';
import type { Answer } from './client.ts';
import { startApi } from './client.ts';

const PATH = '/api/v1/namespaces/default/configmaps/c';
const configMap = (data: Record<string, string>): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data });

async function appliers(): Promise<{ apply: (manager: string, object: object, force?: boolean) => Promise<Answer>; start: Awaited<ReturnType<typeof startApi>> }> {
  const start = await startApi();
  return { start, apply: (manager, object, force = false) => start.patch(PATH, 'apply', object, `?fieldManager=${manager}${force ? '&force=true' : ''}`) };
}

describe('server-side apply', () => {
  test('makes what is not there and says who owns what', async () => {
    const { apply } = await appliers();
    const { code, body } = await apply('alice', configMap({ a: '1' }));
    expect([code, body['data']]).toEqual([201, { a: '1' }]);
    expect(body.metadata['managedFields']).toMatchObject([{ manager: 'alice', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } }]);
  });

  test('takes away what its manager no longer names, and leaves what others wrote', async () => {
    const { apply, start } = await appliers();
    await apply('alice', configMap({ a: '1', b: '2' }));
    await start.patch(PATH, 'merge', { data: { other: 'x' } });
    expect((await apply('alice', configMap({ a: '3' }))).body['data']).toEqual({ a: '3', other: 'x' });
  });

  test('that changes nothing keeps the version', async () => {
    const { apply } = await appliers();
    const first = await apply('alice', configMap({ a: '1' }));
    expect((await apply('alice', configMap({ a: '1' }))).body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
  });

  test('of what another manager applied otherwise is a conflict, unless it is forced', async () => {
    const { apply } = await appliers();
    await apply('alice', configMap({ a: '1', shared: 'x' }));
    expect((await apply('bob', configMap({ shared: 'x' }))).code).toBe(200);
    const refused = await apply('bob', configMap({ a: '2' }));
    expect(refused).toMatchObject({ code: 409, body: { reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "alice": .data.a', details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "alice"', field: '.data.a' }] } } });
    const forced = await apply('bob', configMap({ a: '2' }), true);
    expect(forced.body['data']).toEqual({ a: '2', shared: 'x' });
    expect(forced.body.metadata['managedFields']).toMatchObject([{ manager: 'alice', fieldsV1: { 'f:data': { 'f:shared': {} } } }, { manager: 'bob', fieldsV1: { 'f:data': { 'f:a': {} } } }]);
  });

  test('merges the containers of a pod template by name', async () => {
    const { patch } = await startApi();
    const path = '/apis/apps/v1/namespaces/default/deployments/d?fieldManager=';
    const deployment = (containers: object[]): object => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers } } } });
    await patch(`${path}alice`, 'apply', deployment([{ name: 'web', image: 'x' }]));
    await patch(`${path}bob`, 'apply', deployment([{ name: 'side', image: 'y', env: [{ name: 'A', value: '1' }] }]));
    const images = async (answer: Promise<Answer>): Promise<unknown> => {
      const spec = (await answer).body['spec'] as { template: { spec: { containers: { name: string; image: string }[] } } };
      return spec.template.spec.containers.map(({ name, image }) => `${name}=${image}`);
    };
    expect(await images(patch(`${path}alice`, 'apply', deployment([{ name: 'web', image: 'z' }])))).toEqual(['web=z', 'side=y']);
    expect(await images(patch(`${path}alice`, 'apply', deployment([{ name: 'new', image: 'z' }])))).toEqual(['side=y', 'new=z']);
  });

  test('needs a manager', async () => {
    const { start } = await appliers();
    expect(await start.patch(PATH, 'apply', configMap({}))).toMatchObject({ code: 422, body: { message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch' } });
  });
});
