const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** What Go prints as it is: letters, marks, numbers, punctuation, symbols and the plain space (unicode.IsPrint). */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** A text in double quotes as Go's `%q` writes it (strconv.Quote): files of labels are read by programs that undo it. */
export function goQuoted(text: string): string {
  return `"${Array.from(text.toWellFormed(), quoted).join('')}"`;
}

function quoted(character: string): string {
  const short = SHORT[character];
  if (short !== undefined || PRINTABLE.test(character)) return short ?? character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
