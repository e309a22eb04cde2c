/** Where an answer of a node or a pod came from, and how clients reach it here. */
export interface ProxiedPlace {
  /** Path here below which all of its paths are, without a slash at the end. */
  readonly prefix: string;
  /** Hosts, with their ports, that mean it: its own, and what the client called us. */
  readonly hosts: readonly string[];
}

/**
 * The `Location` of an answer, for clients that come through us: a path of the same host stands below the prefix here; another host's, and what is
 * relative to the path that was asked, stay as they are (Kubernetes v1.20 apimachinery/pkg/util/proxy/transport.go rewriteURL).
 */
export function locationHere(location: string, { prefix, hosts }: ProxiedPlace): string {
  const [, host, path = ''] = /^(?:(?:https?:)?\/\/([^/?#]*))?(.*)$/is.exec(location) ?? [];
  if (!path.startsWith('/') || (host !== undefined && !hosts.includes(host))) return location;
  return path.startsWith(prefix) ? path : `${prefix}${path}`;
}
