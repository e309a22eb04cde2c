import type { CommandInfo } from '../../mesos/index.ts';
import type { Container, EnvVar } from '../../pod/index.ts';
import type { Draft } from './draft.ts';

/** What a task's CommandInfo comes to. */
export interface Command {
  readonly program: Pick<Container, 'command' | 'args'>;
  /** Not escaped yet. */
  readonly env: readonly EnvVar[];
  readonly user: { readonly runAsUser?: number };
}

/**
 * A shell's command takes the place of the image's entrypoint; else `value` and `arguments` are handed to that, as `docker run` does. A task
 * without command runs what the image says.
 */
export function commandOf(command: CommandInfo | undefined, draft: Draft): Command {
  if (command === undefined) return { program: {}, env: [], user: {} };
  const { value, shell = true, uris = [] } = command;
  if (uris.length > 0) draft.fault('command.uris', 'not supported: nobody fetches them; those of ExecutorInfo.command are in the sandbox of the executor');
  if (shell && value === undefined) draft.fault('command.value', 'required with command.shell');
  const words = [...(value === undefined ? [] : [value]), ...(command.arguments ?? [])].map(escaped);
  const program = shell ? { command: ['/bin/sh', '-c', escaped(value ?? '')] } : words.length === 0 ? {} : { args: words };
  return { program, env: variablesOf(command, 'command', draft), user: userOf(command.user, draft) };
}

/** The words of a command that runs in the container, beside its main process: `docker exec`. */
export function wordsOf(command: CommandInfo | undefined, field: string, draft: Draft): string[] {
  const { value, shell = true } = command ?? {};
  if (value === undefined) draft.fault(`${field}.value`, 'required');
  if ((command?.environment?.variables ?? []).length > 0) draft.fault(`${field}.environment`, 'not supported');
  if (shell) return ['/bin/sh', '-c', value ?? ''];
  return [value ?? '', ...(command?.arguments ?? [])];
}

/** Text that Kubernetes' expansion of `$(NAME)` leaves as it is. */
export function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function variablesOf({ environment }: CommandInfo, field: string, draft: Draft): EnvVar[] {
  return (environment?.variables ?? []).flatMap(({ name, value = '', type = 'VALUE' }, i) => {
    if (type === 'VALUE') return [{ name, value }];
    draft.fault(`${field}.environment.variables[${i}]`, `${type} is not supported: only values are`);
    return [];
  });
}

/**
 * Mesos' Docker containerizer runs a task as its image's user, whatever the framework's user is called, which is `root` nearly always. A
 * number is meant.
 */
function userOf(user: string | undefined, draft: Draft): { readonly runAsUser?: number } {
  if (user === undefined || user === 'root') return {};
  if (/^\d{1,9}$/.test(user)) return { runAsUser: Number(user) };
  draft.fault('command.user', `"${user.slice(0, 40)}": want a number, or root for the image's user`);
  return {};
}
