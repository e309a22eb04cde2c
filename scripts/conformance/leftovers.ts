/**
 * Specs of host paths leave files in /tmp of the node, under the name of their namespace, which ends in a number drawn below 10,000 (Kubernetes v1.20
 * test/e2e/storage/drivers/in_tree.go, test/e2e/storage/host_path_type.go). A later spec that draws the same name finds what it has to make there already, and fails.
 */
import { execFile } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where those specs have their paths. */
const FOLDER = '/tmp';
const NAMESPACE_OF_A_SPEC = /^(?:provisioning|host-path-type-(?:directory|file|socket|char-dev|block-dev))-\d{1,4}$/;
const LIST_MS = 30_000;

/** What stands in `folder` under the name of a namespace that is not among `living`. */
export function leftoversIn(folder: readonly string[], living: ReadonlySet<string>): string[] {
  return folder.filter((name) => NAMESPACE_OF_A_SPEC.test(name) && !living.has(name));
}

/** Removes what specs have left; their namespaces are those of the API, where one is there. Throws when it does not tell. */
export async function removeLeftovers(api?: { readonly kubectl: string; readonly kubeconfig: string }): Promise<void> {
  const names = readdirSync(FOLDER); // before the namespaces: one that is made in between may have its files already
  if (leftoversIn(names, new Set()).length === 0) return;
  const living = api === undefined ? [] : await namespaces(api);
  for (const name of leftoversIn(names, new Set(living))) rmSync(join(FOLDER, name), { recursive: true, force: true });
}

async function namespaces({ kubectl, kubeconfig }: { readonly kubectl: string; readonly kubeconfig: string }): Promise<string[]> {
  const query = ['get', 'namespaces', '--output=jsonpath={.items[*].metadata.name}'];
  return (await promisify(execFile)(kubectl, [`--kubeconfig=${kubeconfig}`, ...query], { timeout: LIST_MS })).stdout.split(' ');
}
