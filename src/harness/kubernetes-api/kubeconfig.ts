import { stringify } from 'yaml';

/** A kubeconfig with one cluster, one user and one context, all of the same name. `certificate`: PEM by which clients know the server; absent over plain HTTP. */
export function kubeconfigOf(server: string, token: string, certificate?: string): string {
  const name = 'km';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...(certificate === undefined ? {} : { 'certificate-authority-data': Buffer.from(certificate).toString('base64') }) } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  });
}
