import { isCode } from '../base/index.ts';

/** Whether a failure says nothing about the pod: the Engine was away or did not answer in time, or the work was called off. */
export function isPassing(error: unknown): boolean {
  return isCode(error, 'unavailable', 'timeout', 'aborted') || (error instanceof Error && error.name === 'AbortError');
}
