import { isCode, KmError, messageOf } from '../base/index.ts';

/** Runs one step of making a volume; what goes wrong is told as the kubelet tells it: `MountVolume.SetUp failed for volume "x" : ...`. */
export async function mountStep<T>(step: string, volume: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isCode(error, 'aborted')) throw error;
    const code = error instanceof KmError ? error.code : 'internal';
    throw new KmError(code, `MountVolume.${step} failed for volume "${volume}" : ${messageOf(error)}`, { cause: error });
  }
}
