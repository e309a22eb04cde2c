import { parseAccept } from './negotiate.ts';
import type { Reply } from './reply.ts';
import { RESOURCES, verbsOf, type Resource, type Subresource } from './resources.ts';

/** The version that the server says it is: that of kubectl's time whose behaviour it shows. */
export const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.4',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2025-04-23T00:00:00Z',
  goVersion: 'go1.23.6',
  compiler: 'gc',
  platform: 'linux/amd64',
};

const groups = (): string[] => [...new Set(RESOURCES.map((resource) => resource.group))];
const versionOf = (group: string): string => RESOURCES.find((resource) => resource.group === group)?.version ?? 'v1';

/** Answers to the paths by which clients find out what there is; undefined for every other path. `address` is host:port of this server. */
export function discover(path: string, accept: string | undefined, address: string): Reply | undefined {
  if (path === '/api' || path === '/apis') return aggregated(path, accept) ?? ok(path === '/api' ? coreVersions(address) : groupList());
  const [, root, first, second, ...more] = path.split('/');
  if (more.length > 0) return undefined;
  if (root === 'api' && first === 'v1' && second === undefined) return ok(resourceList('', 'v1'));
  if (root !== 'apis' || first === undefined || !groups().includes(first) || first === '') return undefined;
  if (second === undefined) return ok({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(first) });
  return second === versionOf(first) ? ok(resourceList(first, second)) : undefined;
}

const ok = (body: unknown): Reply => ({ status: 200, body });

function coreVersions(address: string): unknown {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }] };
}

function groupList(): unknown {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups().filter((group) => group !== '').map(groupEntry) };
}

function groupEntry(group: string): { name: string; versions: unknown[]; preferredVersion: unknown } {
  const version = { groupVersion: `${group}/${versionOf(group)}`, version: versionOf(group) };
  return { name: group, versions: [version], preferredVersion: version };
}

function resourceList(group: string, version: string): unknown {
  const resources = RESOURCES.filter((resource) => resource.group === group).flatMap((resource) => [
    {
      name: resource.resource,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: verbsOf(resource),
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    },
    ...resource.subresources.map((sub) => ({
      name: `${resource.resource}/${sub.name}`,
      singularName: '',
      namespaced: resource.namespaced,
      ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    })),
  ]);
  return { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion: group === '' ? version : `${group}/${version}`, resources };
}

/** All groups with their resources in one answer, for clients that ask for it (apidiscovery.k8s.io). */
function aggregated(path: string, accept: string | undefined): Reply | undefined {
  for (const { type, parameters } of parseAccept(accept ?? '')) {
    if (type !== 'application/json') continue;
    if (parameters['as'] === undefined) return undefined;
    if (parameters['as'] !== 'APIGroupDiscoveryList' || parameters['g'] !== 'apidiscovery.k8s.io' || parameters['v'] !== 'v2') continue;
    const items = groups().filter((group) => (path === '/api') === (group === '')).map(groupDiscovery);
    return { status: 200, mediaType: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', body: { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items } };
  }
  return undefined;
}

function groupDiscovery(group: string): unknown {
  const resources = RESOURCES.filter((resource) => resource.group === group).map(resourceDiscovery);
  return { metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null }, versions: [{ version: versionOf(group), resources, freshness: 'Current' }] };
}

function resourceDiscovery(resource: Resource): unknown {
  return {
    resource: resource.resource,
    responseKind: { group: '', version: '', kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(resource.subresources.length === 0 ? {} : { subresources: resource.subresources.map(subresourceDiscovery) }),
  };
}

function subresourceDiscovery(sub: Subresource): unknown {
  return { subresource: sub.name, responseKind: { group: sub.group ?? '', version: sub.version ?? '', kind: sub.kind }, verbs: sub.verbs };
}
