import { isAbsolute, join, normalize } from 'node:path';
import type { Volume } from '../../mesos/index.ts';
import type { Draft } from './draft.ts';

export interface Sandbox {
  /** The task's directory on the node, and as the container sees it. */
  readonly sandbox: string;
  readonly sandboxInContainer: string;
}

/** One volume of the container: a path of the node, one in the task's sandbox (where the path is relative), or an empty directory. */
export function addVolume({ container_path, host_path, mode, image, source }: Volume, field: string, { sandbox, sandboxInContainer }: Sandbox, draft: Draft): void {
  const mountPath = isAbsolute(container_path) ? container_path : join(sandboxInContainer, container_path);
  const access = mode === 'RO' ? 'RO' : 'RW';
  if (image !== undefined) return draft.fault(`${field}.image`, 'not supported');
  const inSandbox = (path: string, at: string): void => {
    if (leaves(path)) return draft.fault(at, `"${path}" leaves the sandbox`);
    draft.addVolume(mountPath, { hostPath: { path: join(sandbox, path), type: 'DirectoryOrCreate' } }, access);
  };
  const onNode = (path: string, at: string, propagation?: string): void => {
    if (leaves(path)) return draft.fault(at, `"${path}": must not contain ".."`);
    draft.addVolume(mountPath, { hostPath: { path, type: '' } }, access, propagation);
  };
  switch (source?.type) {
    case undefined:
      if (host_path === undefined) return draft.addVolume(mountPath, { emptyDir: {} }, access);
      return isAbsolute(host_path) ? onNode(host_path, `${field}.host_path`) : inSandbox(host_path, `${field}.host_path`);
    case 'HOST_PATH':
      return onNode(source.host_path?.path ?? '', `${field}.source.host_path.path`, source.host_path?.mount_propagation?.mode === 'BIDIRECTIONAL' ? 'Bidirectional' : 'HostToContainer');
    case 'SANDBOX_PATH':
      if (source.sandbox_path?.type === 'PARENT') return draft.fault(`${field}.source.sandbox_path.type`, 'PARENT is not supported');
      return inSandbox(source.sandbox_path?.path ?? '', `${field}.source.sandbox_path.path`);
    default:
      return draft.fault(`${field}.source.type`, `${source?.type} is not supported`);
  }
}

function leaves(path: string): boolean {
  return normalize(path).split('/').includes('..') || path.split('/').includes('..');
}
