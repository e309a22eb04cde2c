/** One thing wrong with a pod: `field` as a path (`spec.containers[0].image`). */
export interface Fault {
  readonly field: string;
  readonly message: string;
}

export const NOT_SUPPORTED_YET = 'not supported yet';

/** So many faults are told; a hostile pod could have millions. */
const MOST_FAULTS = 100;
const MOST_FAULTS_IN_TEXT = 10;
const LONGEST_VALUE = 60;

/** Collects faults; past a bound it only remembers that there were more. */
export class Faults {
  readonly #list: Fault[] = [];

  add(field: string, message: string): void {
    if (this.#list.length < MOST_FAULTS) this.#list.push({ field, message });
  }

  get list(): readonly Fault[] {
    return this.#list;
  }
}

/** All faults in one line, as `TASK_ERROR` carries them: `spec.containers[0].image: required; ...`. */
export function faultText(faults: readonly Fault[]): string {
  const told = faults.slice(0, MOST_FAULTS_IN_TEXT).map(({ field, message }) => `${field}: ${message}`);
  const more = faults.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** A value as a message shows it: quoted, cut to a readable length. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}...` : text;
}
