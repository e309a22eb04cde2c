import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Names of the AppArmor profiles that this host has loaded, or why it can enforce none, in the kubelet's words. `root` stands for `/`.
 * Kubernetes v1.20 pkg/security/apparmor/validate.go.
 */
export async function hostAppArmor(root = '/'): Promise<ReadonlySet<string> | string> {
  const folder = join(root, 'sys/kernel/security/apparmor');
  const [enabled, hasFolder, hasParser] = await Promise.all([
    readFile(join(root, 'sys/module/apparmor/parameters/enabled'), 'utf8').catch(() => ''),
    exists(folder),
    exists(join(root, 'sbin/apparmor_parser')),
  ]);
  if (!enabled.startsWith('Y') || !hasFolder || !hasParser) return 'AppArmor is not enabled on the host';
  try {
    return profilesIn(await readFile(join(folder, 'profiles'), 'utf8'));
  } catch (error) {
    return `could not read loaded profiles: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
  }
}

/** A line each, `name (mode)`. */
function profilesIn(text: string): Set<string> {
  return new Set(text.split('\n').flatMap((line) => {
    const at = line.indexOf('(');
    return at <= 0 ? [] : [line.slice(0, at).trim()];
  }));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
