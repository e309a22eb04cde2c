import type { Pod, ValidPod } from './types.ts';

/** One thing wrong with a pod: `field` as a path (`spec.containers[0].image`). */
export interface Fault {
  readonly field: string;
  readonly message: string;
}

/** All faults in one line, as `TASK_ERROR` carries them: `spec.containers[0].image: required; ...`. */
export function faultText(_faults: readonly Fault[]): string {
  throw new Error('unwritten');
}

/** Checks a pod that has its defaults. Never throws, whatever it is given. All faults at once. */
export function validatePod(_pod: Pod): { readonly pod: ValidPod } | { readonly faults: readonly Fault[] } {
  throw new Error('unwritten');
}
