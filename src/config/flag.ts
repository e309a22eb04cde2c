import { messageOf } from '../base/index.ts';

/** One setting: a flag of the command line, `KM_<NAME>` in the environment, and a key of the configuration file. */
export interface Flag<T> {
  /** Without dashes in front. */
  readonly name: string;
  /** One letter, where there is one. */
  readonly short?: string;
  /** What stands for the value in `--help`. */
  readonly value: string;
  readonly help: string;
  /** The default as the user would write it; absent: none. */
  readonly preset?: string;
  /** May be given several times; the values are joined with commas. */
  readonly repeatable?: boolean;
  /** May be given without a value, which means `true`. */
  readonly boolean?: boolean;
  /** Throws with a message that says what it wants; the value itself is repeated only where that is harmless. */
  readonly parse: (text: string) => T;
}

/** `KM_ROOT_DIR` of `root-dir`. */
export function environmentName(flag: Pick<Flag<unknown>, 'name'>): string {
  return `KM_${flag.name.toUpperCase().replaceAll('-', '_')}`;
}

/** The key that commander gives to a flag: `rootDir` of `root-dir`. */
export function optionKey(flag: Pick<Flag<unknown>, 'name'>): string {
  return flag.name.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}

/** Where a value came from, in words that the user can find: `--max-pods`, `KM_MAX_PODS`, `max-pods in /etc/km.yaml`. */
export interface Given {
  readonly text: string;
  readonly from: string;
}

/** The value that wins: command line, then environment, then file. */
export function givenFor(flag: Flag<unknown>, options: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string | undefined>>, file: ReadonlyMap<string, Given>): Given | undefined {
  const option = options[optionKey(flag)];
  if (option !== undefined) return { text: textOf(option), from: `--${flag.name}` };
  const variable = env[environmentName(flag)];
  if (variable !== undefined && variable !== '') return { text: variable, from: environmentName(flag) };
  return file.get(flag.name);
}

/** A value of the command line or of a YAML file as the text that a flag would have: lists and maps joined with commas. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',');
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(([key, entry]) => `${key}=${textOf(entry)}`).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

/** The parsed value; a fault goes to `faults` and gives `undefined`. */
export function parsedFor<T>(flag: Flag<T>, given: Given | undefined, faults: string[]): T | undefined {
  const text = given?.text ?? flag.preset;
  if (text === undefined) return undefined;
  try {
    return flag.parse(text);
  } catch (error) {
    faults.push(`${given?.from ?? `--${flag.name}`}: ${messageOf(error)}`);
    return undefined;
  }
}
