/** The few shell scripts that a container of the stand-in can run; the same ones do the same in a real busybox. */

export type Step =
  | { readonly do: 'sleep'; readonly ms: number; /** A signal's trap runs at once (`sleep N & wait`). */ readonly light: boolean }
  | { readonly do: 'exit'; readonly code: number }
  | { readonly do: 'trap'; /** Undefined: the signal is ignored. */ readonly exit: number | undefined }
  | { readonly do: 'say'; readonly text: string; /** A path in the container, or an output. */ readonly to: string }
  /** As an exit 99 where the file in the container has become longer than one line. */
  | { readonly do: 'once'; readonly path: string };

const FORMS: readonly (readonly [RegExp, (...parts: string[]) => Step])[] = [
  [/^sleep ([\d.]+)$/, (seconds = '') => ({ do: 'sleep', ms: Number(seconds) * 1000, light: false })],
  [/^sleep ([\d.]+) & wait$/, (seconds = '') => ({ do: 'sleep', ms: Number(seconds) * 1000, light: true })],
  [/^exit (\d+)$/, (code = '') => ({ do: 'exit', code: Number(code) })],
  [/^trap 'exit (\d+)' TERM$/, (code = '') => ({ do: 'trap', exit: Number(code) })],
  [/^trap '' TERM$/, () => ({ do: 'trap', exit: undefined })],
  [/^echo (\S+)$/, (text = '') => ({ do: 'say', text, to: 'stdout' })],
  [/^echo (\S+) >&2$/, (text = '') => ({ do: 'say', text, to: 'stderr' })],
  [/^echo (\S+) >>?\s*(\/\S+)$/, (text = '', to = '') => ({ do: 'say', text, to })],
  [/^\[ \$\(wc -l <(\/\S+)\) = 1 \] \|\| exit 99$/, (path = '') => ({ do: 'once', path })],
  [/^true$/, () => ({ do: 'exit', code: 0 })],
  [/^false$/, () => ({ do: 'exit', code: 1 })],
];

/** What the command does; `undefined` where there is no such program. */
export function scriptOf(command: readonly string[]): readonly Step[] | undefined {
  const [program = '', flag, script] = command;
  if (program === '/pause') return [{ do: 'trap', exit: 0 }, { do: 'sleep', ms: 2 ** 31 - 1, light: true }];
  if ((program === 'sh' || program === '/bin/sh') && flag === '-c' && script !== undefined) return script.split(';').map((part) => part.trim()).filter((part) => part !== '').map(step);
  if (['sleep', 'true', 'false'].includes(program)) return [step(command.join(' '))];
  return undefined;
}

function step(text: string): Step {
  for (const [form, make] of FORMS) {
    const match = form.exec(text);
    if (match !== null) return make(...match.slice(1));
  }
  throw new Error(`the stand-in has no shell for "${text}"`);
}
