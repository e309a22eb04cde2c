import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileWork, unless } from './file-error.ts';

/** The kubelet's limit (Kubernetes v1.20 pkg/kubelet/container/runtime.go). */
const MAX_TERMINATION_MESSAGE_BYTES = 4096;

/**
 * What a container left there: the end of it, at most `maxBytes`. Empty when there is no such file. The file was the container's to
 * write: no link is followed and nothing but a plain file is read.
 */
export async function readTerminationMessage(path: string, maxBytes = MAX_TERMINATION_MESSAGE_BYTES): Promise<string> {
  return fileWork('reading the termination message', async () => {
    const file = await unless(['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'], open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
    if (file === undefined) return '';
    try {
      const { size } = await file.stat().then((stats) => (stats.isFile() ? stats : { size: 0 }));
      const length = Math.min(size, maxBytes);
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position: size - length });
      return buffer.subarray(0, bytesRead).toString();
    } finally {
      await file.close();
    }
  });
}
