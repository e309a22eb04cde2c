import { NOT_SUPPORTED_YET, shown, type Faults } from './faults.ts';
import { tryParseQuantity } from './quantity.ts';
import { checkDescending, checkLabel, checkOneOf } from './rules.ts';
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
  const { emptyDir, hostPath } = sources;
  if (Object.keys(sources).length > 1) faults.add(at, 'may not specify more than 1 volume type');
  checkFileVolume(volume, at, faults);
  if (emptyDir?.medium?.startsWith('HugePages') === true) faults.add(`${at}.emptyDir.medium`, `${shown(emptyDir.medium)} is ${NOT_SUPPORTED_YET}`);
  else if (emptyDir !== undefined) checkOneOf(emptyDir.medium ?? '', ['', 'Memory'], `${at}.emptyDir.medium`, faults);
  const limit = tryParseQuantity(emptyDir?.sizeLimit ?? '0');
  if (limit !== undefined && limit.nano < 0n) faults.add(`${at}.emptyDir.sizeLimit`, 'must be greater than or equal to 0');
  if (hostPath === undefined) return;
  if ((hostPath.path ?? '') === '') faults.add(`${at}.hostPath.path`, 'required');
  else if (hostPath.path.split('/').includes('..')) faults.add(`${at}.hostPath.path`, `${shown(hostPath.path)}: must not contain '..'`);
  checkOneOf(hostPath.type ?? '', HOST_PATH_TYPES, `${at}.hostPath.type`, faults);
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
  }
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
