import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/telemetry/index.ts';
import { KubernetesClient, loadKubeconfig } from '../../../../src/kubernetes/index.ts';
import { EmbeddedApi } from '../../../../src/harness/index.ts';
import { createManifests, readManifests } from '../../../../src/harness/up/manifests.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('reading manifests', () => {
  test('takes documents and lists apart and skips empty documents', () => {
    const text = `
apiVersion: v1
kind: Pod
metadata: {name: a}
---
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: b}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
`;
    expect(readManifests(text, 'x').map((object) => `${object.kind} ${object.metadata?.name}`)).toEqual(['Pod a', 'Pod b', 'ConfigMap c']);
  });

  const faults: [string, string, string][] = [
    ['no YAML', 'a: [', 'x, document 1: '],
    ['a scalar', '7', 'x, document 1: want a Kubernetes object'],
    ['no kind in the second document', 'apiVersion: v1\nkind: Pod\nmetadata: {}\n---\napiVersion: v1', 'x, document 2: apiVersion and kind are required'],
    ['no metadata', 'apiVersion: v1\nkind: Pod', 'x, document 1: metadata is required'],
  ];
  test.each(faults)('names the document with %s', (_name, text, message) => {
    expect(() => readManifests(text, 'x')).toThrow(message);
  });
});

test('creating manifests twice leaves what is there as it is', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'km-manifests-'));
  const api = await EmbeddedApi.start();
  await writeFile(join(dir, 'kubeconfig'), api.kubeconfig());
  const client = new KubernetesClient({ access: await loadKubeconfig(join(dir, 'kubeconfig')), logger: silentLogger });
  try {
    const objects = readManifests('{apiVersion: v1, kind: Namespace, metadata: {name: blue}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: blue}, data: {a: "1"}}', 'x');
    await createManifests(client, objects);
    await createManifests(client, objects.map((object) => ({ ...object, data: { a: '2' } })));
    expect(api.get({ group: '', resource: 'configmaps', namespace: 'blue', name: 'c' })?.['data']).toEqual({ a: '1' });
  } finally {
    await client.close();
    await api.stop();
    await rm(dir, { recursive: true });
  }
});
