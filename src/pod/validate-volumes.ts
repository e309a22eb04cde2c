import { shown, type Faults } from './faults.ts';
import { tryParseQuantity } from './quantity.ts';
import { checkDescending, checkLabel, checkOneOf, checkSubdomain } from './rules.ts';
import type { Container, Volume, VolumeMount } from './types.ts';
import { checkFileVolume } from './validate-file-volumes.ts';

const HOST_PATH_TYPES = ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'];

/** The names that a mount may use. Kubernetes v1.20 pkg/apis/core/validation ValidateVolumes. */
export function checkVolumes(volumes: readonly Volume[], path: string, faults: Faults): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [i, volume] of volumes.entries()) {
    const at = `${path}[${i}]`;
    const name = volume.name ?? '';
    if (name === '') faults.add(`${at}.name`, 'required');
    else checkLabel(name, `${at}.name`, faults);
    if (names.has(name)) faults.add(`${at}.name`, `duplicate value: ${shown(name)}`);
    names.add(name);
    checkSource(volume, at, faults);
  }
  return names;
}

function checkSource(volume: Volume, at: string, faults: Faults): void {
  const { name: _name, ...sources } = volume;
  const { emptyDir } = sources;
  if (Object.keys(sources).length > 1) faults.add(at, 'may not specify more than 1 volume type');
  checkFileVolume(volume, at, faults);
  if (emptyDir?.medium?.startsWith('HugePages') === true) faults.add(`${at}.emptyDir.medium`, `${shown(emptyDir.medium)} is not supported: huge pages are not handed out; use "" or Memory`);
  else if (emptyDir !== undefined) checkOneOf(emptyDir.medium ?? '', ['', 'Memory'], `${at}.emptyDir.medium`, faults);
  const limit = tryParseQuantity(emptyDir?.sizeLimit ?? '0');
  if (limit !== undefined && limit.nano < 0n) faults.add(`${at}.emptyDir.sizeLimit`, 'must be greater than or equal to 0');
  checkOutside(volume, at, faults);
}

/** Kubernetes v1.20 pkg/apis/core/validation validate{HostPath,NFS}VolumeSource, validatePersistentClaimVolumeSource. */
function checkOutside({ hostPath, nfs, persistentVolumeClaim: claim }: Volume, at: string, faults: Faults): void {
  if (hostPath !== undefined) {
    if ((hostPath.path ?? '') === '') faults.add(`${at}.hostPath.path`, 'required');
    else if (hostPath.path.split('/').includes('..')) faults.add(`${at}.hostPath.path`, `${shown(hostPath.path)}: must not contain '..'`);
    checkOneOf(hostPath.type ?? '', HOST_PATH_TYPES, `${at}.hostPath.type`, faults);
  }
  if (nfs !== undefined) {
    if ((nfs.server ?? '') === '') faults.add(`${at}.nfs.server`, 'required');
    if ((nfs.path ?? '') === '') faults.add(`${at}.nfs.path`, 'required');
    else if (!nfs.path.startsWith('/')) faults.add(`${at}.nfs.path`, `${shown(nfs.path)}: must be an absolute path`);
  }
  if (claim === undefined) return;
  if ((claim.claimName ?? '') === '') faults.add(`${at}.persistentVolumeClaim.claimName`, 'required');
  else checkSubdomain(claim.claimName, `${at}.persistentVolumeClaim.claimName`, faults);
}

/** Kubernetes v1.20 pkg/apis/core/validation ValidateVolumeMounts. */
export function checkVolumeMounts(container: Container, volumes: ReadonlySet<string>, path: string, faults: Faults): void {
  const taken = new Set<string>();
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}.volumeMounts[${i}]`;
    if ((mount.name ?? '') === '') faults.add(`${at}.name`, 'required');
    else if (!volumes.has(mount.name)) faults.add(`${at}.name`, `not found: ${shown(mount.name)} is no volume of the pod`);
    if ((mount.mountPath ?? '') === '') faults.add(`${at}.mountPath`, 'required');
    else if (mount.mountPath.includes(':')) faults.add(`${at}.mountPath`, `${shown(mount.mountPath)}: must not contain ':'`);
    else if (taken.has(mount.mountPath)) faults.add(`${at}.mountPath`, `${shown(mount.mountPath)}: must be unique`);
    taken.add(mount.mountPath);
    checkSubPath(mount, at, faults);
    checkPropagation(mount, container, at, faults);
    checkRecursive(mount, at, faults);
  }
}

/** Kubernetes v1.32 pkg/apis/core/validation validateMountRecursiveReadOnly. `IfPossible` is as good as not at all where it is not possible. */
function checkRecursive({ recursiveReadOnly, readOnly, mountPropagation = 'None' }: VolumeMount, at: string, faults: Faults): void {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return;
  const field = `${at}.recursiveReadOnly`;
  if (readOnly !== true) faults.add(field, 'may only be specified when readOnly is true');
  if (mountPropagation !== 'None') faults.add(field, 'may only be specified when mountPropagation is None or not specified');
  if (recursiveReadOnly === 'Enabled') faults.add(field, '"Enabled" is not supported: the Engine makes a mount read-only, not those below it; say IfPossible');
  else checkOneOf(recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible'], field, faults);
}

function checkSubPath({ subPath = '', subPathExpr = '' }: VolumeMount, at: string, faults: Faults): void {
  checkDescending(subPath, `${at}.subPath`, faults);
  checkDescending(subPathExpr, `${at}.subPathExpr`, faults);
  if (subPath !== '' && subPathExpr !== '') faults.add(`${at}.subPathExpr`, 'subPathExpr and subPath are mutually exclusive');
}

function checkPropagation({ mountPropagation }: VolumeMount, container: Container, at: string, faults: Faults): void {
  if (mountPropagation === undefined) return;
  const field = `${at}.mountPropagation`;
  checkOneOf(mountPropagation, ['Bidirectional', 'HostToContainer', 'None'], field, faults);
  if (mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
    faults.add(field, 'Bidirectional mount propagation is available only to privileged containers');
  }
}
