import { describe, expect, test } from 'vitest';
import { pod, PODS, startApi } from './client.ts';

describe('creating', () => {
  test('gives an object its identity, its defaults and the state in which it begins', async () => {
    const { call } = await startApi();
    const { code, body } = await call('POST', PODS, pod('web', { labels: { app: 'web' }, metadata: { uid: 'mine', resourceVersion: '7' } }));
    expect(code).toBe(201);
    expect(body.metadata).toMatchObject({ name: 'web', namespace: 'default', labels: { app: 'web' } });
    expect(body.metadata.uid).toMatch(/^[0-9a-f]{8}-/);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(7);
    expect(Date.parse(body.metadata.creationTimestamp ?? '')).toBeGreaterThan(Date.now() - 5000);
    expect(body['spec']).toMatchObject({
      restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler', serviceAccountName: 'default', enableServiceLinks: true, priority: 0,
      containers: [{ name: 'web', image: 'nginx', imagePullPolicy: 'Always', resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' }],
      tolerations: [{ key: 'node.kubernetes.io/not-ready', tolerationSeconds: 300 }, { key: 'node.kubernetes.io/unreachable', tolerationSeconds: 300 }],
    });
    expect(body['status']).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
  });

  test('writes quantities in their canonical form and requests what is limited', async () => {
    const { call } = await startApi();
    const resources = { limits: { cpu: 0.5, memory: '1024Mi' }, requests: { cpu: '0.1' } };
    const { body } = await call('POST', PODS, pod('web', { spec: { containers: [{ name: 'web', image: 'nginx:1', resources }] } }));
    expect(body['spec']).toMatchObject({ containers: [{ imagePullPolicy: 'IfNotPresent', resources: { limits: { cpu: '500m', memory: '1Gi' }, requests: { cpu: '100m', memory: '1Gi' } } }] });
    expect(body['status']).toMatchObject({ qosClass: 'Burstable' });
  });

  test('makes names of generateName', async () => {
    const { call } = await startApi();
    const made = await Promise.all([1, 2, 3].map(() => call('POST', PODS, { ...pod(''), metadata: { generateName: 'web-' } })));
    const names = made.map(({ body }) => body.metadata.name);
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^web-[a-z0-9]{5}$/);
  });

  test('gives a pod the pull secrets of its service account, unless it has its own', async () => {
    const { call } = await startApi();
    await call('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'puller' }, imagePullSecrets: [{ name: 'ours' }] });
    const given = await call('POST', PODS, pod('a', { spec: { serviceAccountName: 'puller' } }));
    const own = await call('POST', PODS, pod('b', { spec: { serviceAccountName: 'puller', imagePullSecrets: [{ name: 'mine' }] } }));
    expect([given, own].map(({ body }) => (body['spec'] as { imagePullSecrets?: unknown }).imagePullSecrets)).toEqual([[{ name: 'ours' }], [{ name: 'mine' }]]);
  });

  test('folds the plain text of secrets into their data', async () => {
    const { call } = await startApi();
    const { body } = await call('POST', '/api/v1/namespaces/default/secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' }, data: { c: 'ZA==' } });
    expect(body).toMatchObject({ type: 'Opaque', data: { a: 'Yg==', c: 'ZA==' } });
    expect(body).not.toHaveProperty('stringData');
  });

  test('under dryRun=All answers as if, and stores nothing', async () => {
    const { call } = await startApi();
    expect((await call('POST', `${PODS}?dryRun=All`, pod('web'))).code).toBe(201);
    expect((await call('GET', `${PODS}/web`)).code).toBe(404);
  });

  test('takes YAML too', async () => {
    const { call } = await startApi();
    const { code } = await call('POST', '/api/v1/namespaces/default/configmaps', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n', { 'content-type': 'application/yaml' });
    expect(code).toBe(201);
  });
});

describe('what is wrong is refused in the words of the real server', () => {
  const containers = (...list: object[]): Record<string, unknown> => pod('web', { spec: { containers: list } });
  test.each<[string, Record<string, unknown>, string, [reason: string, field: string]]>([
    ['no containers', containers(), 'Pod "web" is invalid: spec.containers: Required value', ['FieldValueRequired', 'spec.containers']],
    ['no image', containers({ name: 'a' }), 'Pod "web" is invalid: spec.containers[0].image: Required value', ['FieldValueRequired', 'spec.containers[0].image']],
    ['a container name twice', containers({ name: 'a', image: 'x' }, { name: 'a', image: 'x' }), 'Pod "web" is invalid: spec.containers[1].name: Duplicate value: "a"', ['FieldValueDuplicate', 'spec.containers[1].name']],
    ['a restart policy that is none', pod('web', { spec: { restartPolicy: 'Sometimes' } }), 'Pod "web" is invalid: spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"', ['FieldValueNotSupported', 'spec.restartPolicy']],
    ['a mount without a volume', containers({ name: 'a', image: 'x', volumeMounts: [{ name: 'v', mountPath: '/v' }] }), 'Pod "web" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "v"', ['FieldValueNotFound', 'spec.containers[0].volumeMounts[0].name']],
    ['a port that is none', containers({ name: 'a', image: 'x', ports: [{ containerPort: 70_000 }] }), 'Pod "web" is invalid: spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive', ['FieldValueInvalid', 'spec.containers[0].ports[0].containerPort']],
    ['more requested than the limit', containers({ name: 'a', image: 'x', resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }), 'Pod "web" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1', ['FieldValueInvalid', 'spec.containers[0].resources.requests']],
    ['no name', { ...pod(''), metadata: {} }, 'Pod "" is invalid: metadata.name: Required value: name or generateName is required', ['FieldValueRequired', 'metadata.name']],
  ])('%s', async (_name, body, message, [reason, field]) => {
    const { call } = await startApi();
    const answer = await call('POST', PODS, body);
    expect(answer.code).toBe(422);
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Invalid', code: 422, message, details: { kind: 'Pod', causes: [{ reason, field }] } });
  });

  test('several faults at once', async () => {
    const { call } = await startApi();
    const { body } = await call('POST', PODS, pod('Web', { spec: { containers: [{ name: 'a' }] } }));
    expect(body.message).toMatch(/^Pod "Web" is invalid: \[metadata\.name: Invalid value: "Web": a lowercase RFC 1123 subdomain .*, spec\.containers\[0\]\.image: Required value\]$/);
  });

  test.each<[string, unknown, string]>([
    ['a field of the wrong type', pod('web', { spec: { terminationGracePeriodSeconds: 'long' } }), 'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64'],
    ['a quantity that is none', pod('web', { spec: { containers: [{ name: 'a', image: 'x', resources: { limits: { cpu: 'lots' } } }] } }), "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    ['another version', { ...pod('web'), apiVersion: 'apps/v1' }, 'the API version in the data (apps/v1) does not match the expected API version (v1)'],
    ['another namespace', pod('web', { metadata: { namespace: 'other' } }), 'the namespace of the provided object does not match the namespace sent on the request'],
  ])('%s (400)', async (_name, body, message) => {
    const { call } = await startApi();
    const answer = await call('POST', PODS, body);
    expect([answer.code, answer.body.reason, answer.body.message]).toEqual([400, 'BadRequest', message]);
  });

  test('an unknown field is an error, a warning or nothing, as fieldValidation says; it is never stored', async () => {
    const { call } = await startApi();
    const body = pod('web', { spec: { colour: 'red' } });
    const strict = await call('POST', `${PODS}?fieldValidation=Strict`, body);
    expect([strict.code, strict.body.message]).toEqual([400, 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.colour"']);
    const ignored = await call('POST', `${PODS}?fieldValidation=Ignore&dryRun=All`, body);
    expect([ignored.code, ignored.headers.get('warning')]).toEqual([201, null]);
    const warned = await call('POST', PODS, body);
    expect([warned.code, warned.headers.get('warning')]).toEqual([201, String.raw`299 - "unknown field \"spec.colour\""`]);
    expect(warned.body['spec']).not.toHaveProperty('colour');
  });

  test.each<[string, string, string, unknown, number, string]>([
    ['the same name again', 'POST', PODS, pod('there'), 409, 'pods "there" already exists'],
    ['a namespace that is not there', 'POST', '/api/v1/namespaces/no/pods', pod('web'), 404, 'namespaces "no" not found'],
    ['an object that is not there', 'GET', `${PODS}/no`, undefined, 404, 'pods "no" not found'],
    ['an object of a group that is not there', 'GET', '/apis/apps/v1/namespaces/default/deployments/no', undefined, 404, 'deployments.apps "no" not found'],
    ['a method that a collection does not have', 'PUT', PODS, pod('web'), 405, 'the server does not allow this method on the requested resource'],
    ['creation outside of a namespace', 'POST', '/api/v1/pods', pod('web'), 405, 'the server does not allow this method on the requested resource'],
    ['a subresource that is not there', 'GET', `${PODS}/there/soul`, undefined, 404, 'the server could not find the requested resource'],
    ['a body that is not JSON', 'POST', PODS, '{', 400, "couldn't get version/kind; json parse error"],
    ['a body that is no object', 'POST', PODS, '[]', 400, "couldn't get version/kind; json parse error"],
    ['a name that is not that of the path', 'PUT', `${PODS}/there`, pod('other'), 400, 'the name of the object (other) does not match the name on the URL (there)'],
    ['the service account that is not there', 'POST', PODS, pod('web', { spec: { serviceAccountName: 'bob' } }), 403, 'pods "web" is forbidden: error looking up service account default/bob: serviceaccount "bob" not found'],
    ['the default namespace being deleted', 'DELETE', '/api/v1/namespaces/default', undefined, 403, 'namespaces "default" is forbidden: this namespace may not be deleted'],
    ['logs of a container that is not there', 'GET', `${PODS}/there/log?container=x`, undefined, 400, 'container x is not valid for pod there'],
  ])('%s', async (_name, method, path, body, code, words) => {
    const { call } = await startApi();
    await call('POST', PODS, pod('there'));
    const answer = await call(method, path, body);
    expect(answer.code).toBe(code);
    expect(answer.body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code });
    expect(answer.body.message).toContain(words);
  });

  test('a path that is not of the API is plain text', async () => {
    const { call } = await startApi();
    expect(await call('GET', '/apis/nothing/v1')).toMatchObject({ code: 404, body: { text: '404 page not found\n' } });
  });

  test('a body in another form than we read, and an answer in another form than we write', async () => {
    const { call } = await startApi();
    expect(await call('POST', PODS, 'x', { 'content-type': 'text/plain' })).toMatchObject({ code: 415, body: { reason: 'UnsupportedMediaType' } });
    expect(await call('GET', PODS, undefined, { accept: 'application/vnd.kubernetes.protobuf' })).toMatchObject({ code: 406, body: { reason: 'NotAcceptable' } });
    expect((await call('PATCH', `${PODS}/x`, {})).code).toBe(404);
    await call('POST', PODS, pod('x'));
    expect(await call('PATCH', `${PODS}/x`, {})).toMatchObject({ code: 415, body: { message: expect.stringContaining('application/merge-patch+json') as string } });
  });

  test('a body of more than 3 MiB', async () => {
    const { call } = await startApi();
    expect(await call('POST', PODS, `"${'x'.repeat(3 * 1024 * 1024)}"`)).toMatchObject({ code: 413, body: { reason: 'RequestEntityTooLarge' } });
  });
});

describe('changing', () => {
  test('a write with an old version is a conflict, one without a version wins', async () => {
    const { call } = await startApi();
    const first = (await call('POST', PODS, pod('web'))).body;
    const second = await call('PUT', `${PODS}/web`, { ...first, metadata: { ...first.metadata, labels: { a: '1' } } });
    expect(second.code).toBe(200);
    const old = await call('PUT', `${PODS}/web`, first);
    expect(old).toMatchObject({ code: 409, body: { reason: 'Conflict', message: 'Operation cannot be fulfilled on pods "web": the object has been modified; please apply your changes to the latest version and try again' } });
    const { resourceVersion: _version, ...metadata } = first.metadata;
    expect((await call('PUT', `${PODS}/web`, { ...first, metadata })).code).toBe(200);
  });

  test('a write that changes nothing keeps the version', async () => {
    const { call, patch } = await startApi();
    const first = (await call('POST', PODS, pod('web', { labels: { a: '1' } }))).body;
    const second = await patch(`${PODS}/web`, 'merge', { metadata: { labels: { a: '1' } } });
    expect(second.body.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('meant for an object of that name that is gone, it is refused: 409 as a whole, 422 as a patch', async () => {
    const { call, patch } = await startApi();
    const first = (await call('POST', PODS, pod('web'))).body;
    const { resourceVersion: _version, ...metadata } = first.metadata;
    expect(await call('PUT', `${PODS}/web`, { ...first, metadata: { ...metadata, uid: 'other' } })).toMatchObject({ code: 409, body: { message: expect.stringContaining('Precondition failed: UID in precondition: other') as string } });
    expect(await patch(`${PODS}/web/status`, 'strategic-merge', { metadata: { uid: 'other' }, status: { phase: 'Running' } })).toMatchObject({ code: 422, body: { details: { causes: [{ field: 'metadata.uid' }] } } });
    expect((await call('GET', `${PODS}/web`)).body['status']).toMatchObject({ phase: 'Pending' });
  });

  test('the object and its status are written apart', async () => {
    const { call, patch } = await startApi();
    const first = (await call('POST', PODS, pod('web'))).body;
    await call('PUT', `${PODS}/web`, { ...first, status: { phase: 'Failed' }, metadata: { ...first.metadata, labels: { a: '1' } } });
    const { body } = await patch(`${PODS}/web/status`, 'merge', { spec: { nodeName: 'n' }, status: { phase: 'Running', podIP: '10.0.0.9' } });
    expect(body).toMatchObject({ metadata: { labels: { a: '1' } }, status: { phase: 'Running', podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }] } });
    expect(body['spec']).not.toHaveProperty('nodeName');
    expect((await call('GET', `${PODS}/web/status`)).body['status']).toMatchObject({ phase: 'Running' });
  });

  test('of a pod only the image, the deadline and added tolerations change', async () => {
    const { call, patch } = await startApi();
    await call('POST', PODS, pod('web'));
    expect((await patch(`${PODS}/web`, 'strategic-merge', { spec: { containers: [{ name: 'web', image: 'nginx:2' }], activeDeadlineSeconds: 60 } })).code).toBe(200);
    const command = await patch(`${PODS}/web`, 'strategic-merge', { spec: { containers: [{ name: 'web', command: ['x'] }] } });
    expect([command.code, command.body.message]).toEqual([422, expect.stringMatching(/^Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`/)]);
    const longer = await patch(`${PODS}/web`, 'merge', { spec: { activeDeadlineSeconds: 90 } });
    expect(longer.body.message).toContain('spec.activeDeadlineSeconds: Invalid value: 90: must be less than or equal to previous value');
    const more = await patch(`${PODS}/web`, 'merge', { spec: { containers: [{ name: 'web', image: 'x' }, { name: 'b', image: 'x' }] } });
    expect(more.body.message).toContain('pod updates may not add or remove containers');
  });

  test('by JSON patch, which can test what it changes', async () => {
    const { call, patch } = await startApi();
    await call('POST', PODS, pod('web', { labels: { a: '1' } }));
    const done = await patch(`${PODS}/web`, 'json', [{ op: 'test', path: '/metadata/labels/a', value: '1' }, { op: 'replace', path: '/metadata/labels/a', value: '2' }]);
    expect(done.body.metadata.labels).toEqual({ a: '2' });
    expect((await patch(`${PODS}/web`, 'json', [{ op: 'test', path: '/metadata/labels/a', value: '1' }])).code).toBe(422);
    expect((await patch(`${PODS}/web`, 'json', [{ op: 'remove', path: '/metadata/labels/b' }])).code).toBe(422);
    expect((await patch(`${PODS}/web`, 'json', { op: 'remove' })).code).toBe(400);
  });

  test('a patch that names the version is a conflict when it is another', async () => {
    const { call, patch } = await startApi();
    await call('POST', PODS, pod('web'));
    expect((await patch(`${PODS}/web`, 'merge', { metadata: { resourceVersion: '1', labels: { a: 'b' } } })).code).toBe(409);
  });

  test('the generation counts changes of the spec of workloads', async () => {
    const { call, patch } = await startApi();
    const path = '/apis/apps/v1/namespaces/default/deployments';
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } };
    await call('POST', path, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } });
    await patch(`${path}/d`, 'merge', { metadata: { labels: { x: 'y' } } });
    expect((await call('GET', `${path}/d`)).body.metadata.generation).toBe(1);
    await patch(`${path}/d/scale`, 'merge', { spec: { replicas: 3 } });
    expect((await call('GET', `${path}/d`)).body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 3 } });
  });

  test('leases are made by PUT and need their version after', async () => {
    const { call } = await startApi();
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1';
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'n1' }, spec: { holderIdentity: 'n1', renewTime: '2026-01-01T00:00:00.123456Z' } };
    const made = await call('PUT', path, lease);
    expect([made.code, made.body['spec']]).toEqual([201, { holderIdentity: 'n1', renewTime: '2026-01-01T00:00:00.123456Z' }]);
    expect((await call('PUT', path, lease)).code).toBe(422);
    expect((await call('PUT', path, { ...lease, metadata: made.body.metadata })).code).toBe(200);
  });
});
