import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as client from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { POD_SHAPE } from '../../../src/pod/pod-shape.ts';
import type { Shape } from '../../../src/pod/shape.ts';

/** What the official client knows of a type. */
interface Model {
  getAttributeTypeMap(): readonly { readonly baseName: string; readonly type: string }[];
}
const models = client as unknown as Readonly<Record<string, Partial<Model> | undefined>>;

/** Fields of the API's type that are passed by or refused, by path; those with a shape of their own are honoured. */
function undone(type: string, shape: Shape, path: string, found: Set<string>): Set<string> {
  const inner = /^(?:Array|Set)<(.*)>$/.exec(type)?.[1];
  if (inner !== undefined) return shape.kind === 'list' ? undone(inner, shape.of, `${path}[]`, found) : found;
  const attributes = models[type]?.getAttributeTypeMap?.() ?? [];
  if (shape.kind !== 'fields') return found;
  for (const { baseName, type: of } of attributes) {
    const field = shape.fields.get(baseName) ?? shape.rest;
    const at = `${path}.${baseName}`;
    if (['any', 'unsupported', 'refused', 'only'].includes(field.kind)) found.add(at.replace(/^spec\.\w*[cC]ontainers\[\]/, 'container'));
    else undone(of, field, at, found);
  }
  return found;
}

/** The fields in the first columns of docs/pod-fields.md; one without a path belongs to that of the one before it. */
function documented(): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/pod-fields.md'), 'utf8');
  const tables = text.slice(text.indexOf('## Left to others'), text.indexOf('## Honoured'));
  const rows = tables.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => {
    let folder = '';
    return [...(row.split(' | ')[0] ?? '').matchAll(/`([\w.[\]]+)(?:: \w+)?`/g)].flatMap(([, name = '']) => {
      if (name === 'linux') return [];
      if (name.includes('.')) folder = name.slice(0, name.lastIndexOf('.') + 1);
      return [name.includes('.') ? name : `${folder}${name}`];
    });
  });
}

it('every field of a pod that we do not honour is in the documentation, and no other', () => {
  const spec = POD_SHAPE.kind === 'fields' ? POD_SHAPE.fields.get('spec') : undefined;
  if (spec === undefined) throw new Error('a pod without a spec');
  const found = undone('V1PodSpec', spec, 'spec', new Set());
  expect(found.size).toBeGreaterThan(30);
  const known = documented().filter((field) => field !== 'spec.hostUsers');
  expect([...new Set(known)].sort()).toEqual([...found].sort());
});
