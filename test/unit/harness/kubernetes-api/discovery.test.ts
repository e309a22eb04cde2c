import { describe, expect, test } from 'vitest';
import { pod, PODS, startApi } from './client.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

describe('discovery', () => {
  test('in one answer and in many says the same', async () => {
    const { call } = await startApi();
    const one: string[] = [];
    for (const root of ['/api', '/apis']) {
      const { body, headers } = await call('GET', root, undefined, { accept: AGGREGATED });
      expect(headers.get('content-type')).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
      for (const { metadata, versions } of body.items as unknown as { metadata: { name?: string }; versions: { version: string; resources: { resource: string; scope: string; subresources?: { subresource: string }[] }[] }[] }[]) {
        for (const { version, resources } of versions) {
          const group = metadata.name === undefined ? version : `${metadata.name}/${version}`;
          for (const { resource, scope, subresources = [] } of resources) one.push(`${group} ${resource} ${scope === 'Namespaced'}`, ...subresources.map((sub) => `${group} ${resource}/${sub.subresource} ${scope === 'Namespaced'}`));
        }
      }
    }
    const many: string[] = [];
    const { groups } = (await call('GET', '/apis')).body as unknown as { groups: { preferredVersion: { groupVersion: string } }[] };
    for (const path of ['/api/v1', ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)]) {
      const { groupVersion, resources } = (await call('GET', path)).body as unknown as { groupVersion: string; resources: { name: string; namespaced: boolean }[] };
      many.push(...resources.map(({ name, namespaced }) => `${groupVersion} ${name} ${namespaced}`));
    }
    expect(many.sort()).toEqual(one.sort());
    expect(many).toContain('v1 pods/binding true');
  });

  test('an older client that asks for no version of it that we have gets the plain list', async () => {
    const { call } = await startApi();
    expect((await call('GET', '/api', undefined, { accept: 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json' })).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
  });

  test('the OpenAPI document of every version in its index is there and its references lead somewhere', async () => {
    const { call } = await startApi();
    const { paths } = (await call('GET', '/openapi/v3')).body as unknown as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toContain('apis/apps/v1');
    for (const { serverRelativeURL } of Object.values(paths)) {
      const { body } = await call('GET', serverRelativeURL);
      const schemas = (body as unknown as { components: { schemas: Record<string, unknown> } }).components.schemas;
      for (const [, name = ''] of JSON.stringify(body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) expect(schemas).toHaveProperty([name]);
    }
  });

  test('OpenAPI v2 is there for older clients, in their protobuf only', async () => {
    const { api, call } = await startApi();
    expect((await call('GET', '/openapi/v2', undefined, { accept: 'application/json' })).code).toBe(406);
    const response = await fetch(`${api.url}/openapi/v2`, { headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' } });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 5)).toEqual(Buffer.from('\n\x032.0'));
    expect(bytes.toString('latin1')).toContain('fieldValidation');
  });

  test.each(['/healthz', '/livez', '/readyz'])('%s says ok', async (path) => {
    const { call } = await startApi();
    expect(await call('GET', path)).toMatchObject({ code: 200, body: { text: 'ok' } });
  });
});

describe('a list in another shape', () => {
  test('as a table has the columns of its kind', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    const { body } = await call('GET', PODS, undefined, { accept: TABLE });
    const { columnDefinitions } = body as unknown as { columnDefinitions: { name: string; priority: number }[] };
    expect(columnDefinitions.filter((column) => column.priority === 0).map((column) => column.name)).toEqual(['Name', 'Ready', 'Status', 'Restarts', 'Age']);
    expect(body.rows[0]?.cells.slice(0, 3)).toEqual(['web', '0/1', 'Pending']);
  });

  test.each([
    ['None', undefined],
    ['Metadata', 'PartialObjectMetadata'],
    ['Object', 'Pod'],
  ])('rows carry along what includeObject=%s says', async (include, kind) => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    const { rows } = (await call('GET', `${PODS}?includeObject=${include}`, undefined, { accept: TABLE })).body as unknown as { rows: { object?: { kind: string } }[] };
    expect(rows[0]?.object?.kind).toBe(kind);
  });

  test('every kind has a table whose rows fit its columns', async () => {
    const { api, call } = await startApi();
    const { groups } = (await call('GET', '/apis')).body as unknown as { groups: { preferredVersion: { groupVersion: string } }[] };
    for (const root of ['/api/v1', ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)]) {
      const { groupVersion, resources } = (await call('GET', root)).body as unknown as { groupVersion: string; resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[] };
      for (const { name, kind, namespaced } of resources.filter(({ verbs }) => verbs.includes('list') && verbs.includes('create'))) {
        if (groupVersion === 'events.k8s.io/v1') continue;
        api.put({ apiVersion: groupVersion, kind, metadata: { name: 'x', ...(namespaced ? { namespace: 'default' } : {}) } });
        const { body } = await call('GET', `${root}/${name}?fieldSelector=metadata.name%3Dx`, undefined, { accept: TABLE });
        const { columnDefinitions } = body as unknown as { columnDefinitions: unknown[] };
        expect([name, body.rows[0]?.cells.length]).toEqual([name, columnDefinitions.length]);
      }
    }
  });

  test('as metadata leaves out all else', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    const { body } = await call('GET', PODS, undefined, { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' });
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'web' } }] });
    expect(body.items[0]).not.toHaveProperty('spec');
  });

  test('as YAML', async () => {
    const { call } = await startApi();
    const { body } = await call('GET', '/api/v1/namespaces/default', undefined, { accept: 'application/yaml' });
    expect((body as unknown as { text: string }).text).toContain('kind: Namespace');
  });
});

describe('reviews', () => {
  test('know a token of a service account until it expires', async () => {
    const { call } = await startApi();
    const asked = await call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['a'], expirationSeconds: 600 } });
    const { token } = asked.body['status'] as { token: string };
    const review = async (spec: object): Promise<unknown> => (await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec })).body['status'];
    expect(await review({ token, audiences: ['a', 'b'] })).toMatchObject({ authenticated: true, audiences: ['a'], user: { username: 'system:serviceaccount:default:default', groups: expect.arrayContaining(['system:serviceaccounts:default']) as string[] } });
    expect(await review({ token, audiences: ['b'] })).not.toHaveProperty('authenticated');
    expect(await review({ token: `${token}x` })).not.toHaveProperty('authenticated');
  });

  test('allow everybody who is known', async () => {
    const { call } = await startApi();
    const ask = async (user: string): Promise<unknown> => (await call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user, resourceAttributes: { verb: 'get', resource: 'nodes' } } })).body['status'];
    expect(await ask('bob')).toEqual({ allowed: true });
    expect(await ask('system:anonymous')).toEqual({ allowed: false });
  });
});
