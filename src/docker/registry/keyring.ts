import type { RegistryAuth } from '../engine.ts';

/** How the configuration files call Docker Hub. */
const HUB_KEY = 'index.docker.io';

interface Location {
  /** The host's labels, each perhaps with `*`. */
  readonly host: readonly string[];
  readonly port: string;
  /** With its slash, or empty. */
  readonly path: string;
}

/**
 * The credentials to try for a repository (as `repositoryOf` gives it), most specific first. An entry matches with host, port
 * and the beginning of its path; `*` stands for a part of one label of the host. Entries of one location come in their order.
 * Kubernetes v1.20 pkg/credentialprovider/keyring.go.
 */
export function credentialsIn(auths: readonly (readonly [string, RegistryAuth])[], repository: string): RegistryAuth[] {
  const byKey = new Map<string, RegistryAuth[]>();
  for (const [registry, auth] of auths) {
    const key = keyOf(registry);
    byKey.set(key, [...(byKey.get(key) ?? []), auth]);
  }
  const target = locationOf(repository);
  const keys = [...byKey.keys()].sort((a, b) => (a < b ? 1 : -1)).filter((key) => matches(locationOf(key), target));
  const found = keys.flatMap((key) => byKey.get(key) ?? []);
  return found.length > 0 || !repository.startsWith('docker.io/') ? found : (byKey.get(HUB_KEY) ?? []);
}

/** A registry as written in a configuration: without scheme, and without the version of the API that older ones carry. */
function keyOf(registry: string): string {
  const plain = registry.replace(/^https?:\/\//, '').replace(/[?#].*$/s, '');
  const slash = plain.indexOf('/');
  if (slash < 0) return plain;
  const path = plain.slice(slash).replace(/^\/v[12]\//, '/');
  return path === '/' ? plain.slice(0, slash) : `${plain.slice(0, slash)}${path}`;
}

function locationOf(key: string): Location {
  const slash = key.indexOf('/');
  const authority = slash < 0 ? key : key.slice(0, slash);
  const [, host = authority, port = ''] = /^(\[[^\]]*\]|[^:]*):(\d*)$/.exec(authority) ?? [];
  return { host: host.split('.'), port, path: slash < 0 ? '' : key.slice(slash) };
}

function matches(pattern: Location, target: Location): boolean {
  if (pattern.port !== target.port || pattern.host.length !== target.host.length || !target.path.startsWith(pattern.path)) return false;
  return pattern.host.every((label, i) => matchesLabel(label, target.host[i] ?? ''));
}

/** `*` for any characters; linear but for the last `*`, which is all that has to be tried again. */
function matchesLabel(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starAt = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      starAt = t;
      p += 1;
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      starAt += 1;
      t = starAt;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}
