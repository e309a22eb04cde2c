import { KmError } from '../base/index.ts';
import type { ClusterAccess } from './access.ts';

/**
 * Reads a kubeconfig: server, CA, client certificate, token, token file, basic auth, exec plugin. Throws code `invalid` naming the
 * file and what is wrong with it.
 */
export async function loadKubeconfig(path: string, options: { context?: string } = {}): Promise<ClusterAccess> {
  throw new KmError('internal', `not there yet: ${path} ${options.context}`);
}

/** Access with the service account that Kubernetes mounts into a pod. Throws code `invalid` outside of one. */
export async function inClusterAccess(env: Readonly<Record<string, string | undefined>>): Promise<ClusterAccess> {
  throw new KmError('internal', `not there yet ${env}`);
}
