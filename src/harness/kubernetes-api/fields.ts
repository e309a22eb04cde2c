import { isObject, objectAt, textAt } from './json.ts';
import type { Resource } from './resources.ts';
import type { KubernetesObject } from './types.ts';

/** The values that field selectors of a resource see, by the selector's name for them. */
export function selectableFieldsOf(resource: Resource, object: KubernetesObject): Record<string, string> {
  const values: Record<string, string> = { 'metadata.name': object.metadata.name };
  if (resource.namespaced) values['metadata.namespace'] = object.metadata.namespace ?? '';
  for (const name of resource.selectableFields) values[name] = special(name, object) ?? textOf(at(object, name));
  return values;
}

/** Names that selectors of the resource may use. */
export function selectableNames(resource: Resource): string[] {
  return ['metadata.name', ...(resource.namespaced ? ['metadata.namespace'] : []), ...resource.selectableFields];
}

function at(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), object);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Fields whose value is not simply what stands at their path. */
function special(name: string, object: KubernetesObject): string | undefined {
  switch (name) {
    case 'spec.unschedulable':
    case 'spec.hostNetwork':
      return String(objectAt(object, 'spec')[name.slice('spec.'.length)] === true);
    case 'source':
      return textAt(object['source'], 'component') || textAt(object, 'reportingComponent') || textAt(object['deprecatedSource'], 'component') || textAt(object, 'reportingController');
    default:
      return undefined;
  }
}
