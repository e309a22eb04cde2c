import type { Container } from './types.ts';

/**
 * Replaces `$(NAME)` by what `value` gives for it; where that is undefined the reference stays as it is. `$$` is a `$`, so `$$(NAME)`
 * is `$(NAME)`. Anything else stays. What was put in is not looked at again.
 * Kubernetes v1.20 third_party/forked/golang/expansion.
 */
export function expandWith(text: string, value: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text;
  let result = '';
  let at = 0;
  for (;;) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar + 1 >= text.length) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    const close = next === '(' ? text.indexOf(')', dollar + 2) : -1;
    if (close >= 0) {
      const reference = text.slice(dollar, close + 1);
      result += value(reference.slice(2, -1)) ?? reference;
      at = close + 1;
    } else {
      result += next === '$' ? '$' : `$${next}`;
      at = dollar + 2;
    }
  }
}

/** `expandWith` from a map. */
export function expand(text: string, env: ReadonlyMap<string, string>): string {
  return expandWith(text, (name) => env.get(name));
}

/** The command of an exec probe: `$(VAR)` is what the spec itself says of VAR (Kubernetes v1.20 pkg/kubelet/container ExpandContainerCommandOnlyStatic). */
export function staticCommand(command: readonly string[], { env = [] }: Pick<Container, 'env'>): string[] {
  const values = new Map(env.map(({ name, value }) => [name, value ?? '']));
  return command.map((text) => expand(text, values));
}
