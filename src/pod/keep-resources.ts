import type { Container, ValidPod } from './types.ts';

/**
 * `changed` with the resources that its containers run with, those of `known`: a running container is not resized here. `refused` names each field
 * that asks for something else.
 */
export function keepResources(known: ValidPod, changed: ValidPod): { readonly pod: ValidPod; readonly refused: readonly string[] } {
  const refused: string[] = [];
  const kept = (field: 'containers' | 'initContainers'): Container[] =>
    (changed.spec[field] ?? []).map((container, i) => {
      const before = known.spec[field]?.find(({ name }) => name === container.name);
      if (before === undefined || sameJson(before.resources, container.resources)) return container;
      refused.push(`spec.${field}[${i}].resources`);
      const { resources: _wanted, ...rest } = container;
      return { ...rest, ...(before.resources === undefined ? {} : { resources: before.resources }) };
    });
  const containers = kept('containers');
  const initContainers = kept('initContainers');
  if (refused.length === 0) return { pod: changed, refused };
  return { pod: { ...changed, spec: { ...changed.spec, containers, ...(changed.spec.initContainers === undefined ? {} : { initContainers }) } }, refused };
}

/** The order of keys is of no meaning. */
function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? {};
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}
