import { resourceAt, type Resource } from './resources.ts';

/** What a path under /api or /apis names. */
export interface ResourcePath {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** What follows the subresource (`proxy/metrics/cadvisor`); starts with a slash where there is any. */
  readonly rest: string;
}

/** Undefined when this server has nothing there. Segments are percent-decoded. */
export function parsePath(path: string): ResourcePath | undefined {
  const segments = path.split('/').slice(1).map(decoded);
  if (segments.at(-1) === '') segments.pop();
  const [root] = segments;
  const [group, version, parts] = root === 'api' ? ['', segments[1], segments.slice(2)] : [segments[1], segments[2], segments.slice(3)];
  if ((root !== 'api' && root !== 'apis') || group === undefined || version === undefined) return undefined;
  if (parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] ?? '')) {
    return place(group, version, parts[1], parts.slice(2));
  }
  return place(group, version, undefined, parts);
}

/** Whether what is asked there is asked of somebody else, in whatever words the client has for it. */
export function isProxied(path: string): boolean {
  return parsePath(path)?.subresource === 'proxy';
}

function place(group: string, version: string, namespace: string | undefined, [plural = '', name, subresource, ...rest]: string[]): ResourcePath | undefined {
  const resource = resourceAt(group, version, plural);
  if (resource === undefined) return undefined;
  if (resource.namespaced ? namespace === undefined && name !== undefined : namespace !== undefined) return undefined;
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
    rest: rest.map((segment) => `/${segment}`).join(''),
  };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
