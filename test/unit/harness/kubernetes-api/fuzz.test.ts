import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pod, PODS, startApi } from './client.ts';

const names = fc.constantFrom('metadata', 'spec', 'status', 'name', 'labels', 'containers', 'initContainers', 'image', 'env', 'ports', 'resources', 'limits', 'cpu', 'volumes', 'conditions', 'type', 'finalizers', 'tolerations', 'uid', '$patch', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers', '$retainKeys', '__proto__', 'toString');
const words = fc.constantFrom('', 'a', 'delete', 'replace', '1', '500m', 'Always', '2026-01-01T00:00:00Z', 'nginx');
const { json } = fc.letrec((tie) => ({
  json: fc.oneof({ depthSize: 'small', withCrossShrink: true }, words, fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.array(tie('json'), { maxLength: 3 }), fc.dictionary(names, tie('json'), { maxKeys: 5 })),
}));
const part = fc.dictionary(names, json, { maxKeys: 4 });

test('whatever is in a body, the answer is the object or a reason, never an internal error', async () => {
  const { call, patch } = await startApi();
  await call('POST', PODS, pod('there'));
  const operations = fc.array(fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'test', 'move', 'x'), path: fc.constantFrom('/spec', '/metadata/labels', '/spec/containers/0', '/spec/containers/-', '/x/y', ''), from: fc.constantFrom('/spec', '/metadata'), value: json }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(json, part, part, operations, async (body, metadata, spec, list) => {
      const answers = [
        await call('POST', PODS, JSON.stringify(body)),
        await call('POST', `${PODS}?dryRun=All`, { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'made' }, spec, status: spec }),
        await call('PUT', `${PODS}/there`, { apiVersion: 'v1', kind: 'Pod', metadata, spec }),
        await patch(`${PODS}/there`, 'merge', { metadata, spec }, '?dryRun=All'),
        await patch(`${PODS}/there`, 'strategic-merge', { metadata, spec }, '?dryRun=All'),
        await patch(`${PODS}/there/status`, 'strategic-merge', { status: spec }, '?dryRun=All'),
        await patch(`${PODS}/there`, 'json', list, '?dryRun=All'),
        await patch(`${PODS}/there`, 'apply', { apiVersion: 'v1', kind: 'Pod', metadata, spec }, '?dryRun=All&fieldManager=x&force=true'),
      ];
      for (const { code, body: said } of answers) expect([code >= 500, said.message]).toEqual([false, said.message]);
    }),
    { numRuns: 150 },
  );
});
