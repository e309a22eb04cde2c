import { stringify } from 'yaml';

/** A kubeconfig with one cluster, one user and one context, all of the same name. */
export function kubeconfigOf(server: string, token: string): string {
  const name = 'km';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  });
}
