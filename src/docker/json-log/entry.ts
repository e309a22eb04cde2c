/**
 * One line of a log of Docker's json-file driver: `{"log":"text\n","stream":"stdout","time":"2006-01-02T15:04:05.999999999Z"}`.
 * What Docker itself writes is found by its fixed places; everything else that means the same goes through JSON.parse.
 */
export interface Entry {
  /** Where the text is between its quotes, escapes and all, in the bytes of the line; `text` has it instead after JSON.parse. */
  from: number;
  to: number;
  text: Buffer | undefined;
  stderr: boolean;
  /** Where the time is, without quotes; in `time` after JSON.parse. */
  timeFrom: number;
  timeTo: number;
  time: Buffer | undefined;
}

export function emptyEntry(): Entry {
  return { from: 0, to: 0, text: undefined, stderr: false, timeFrom: 0, timeTo: 0, time: undefined };
}

const HEAD = Buffer.from('{"log":"');
const STDOUT = Buffer.from('","stream":"stdout","time":"');
const STDERR = Buffer.from('","stream":"stderr","time":"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7d;
/** `2006-01-02T15:04:05Z` and the same with nine digits of a second. */
const SHORTEST_TIME = 20;
const LONGEST_TIME = 35;

/** Fills `into` from the line at [start, end), its newline left out. False for what is no entry: a torn or damaged line. */
export function readEntry(bytes: Buffer, start: number, end: number, into: Entry): boolean {
  return readFixed(bytes, start, end, into) || readAny(bytes, start, end, into);
}

function readFixed(bytes: Buffer, start: number, end: number, into: Entry): boolean {
  const timeTo = end - 2;
  if (end - start < HEAD.length + STDOUT.length + SHORTEST_TIME || bytes[end - 1] !== BRACE || bytes[timeTo] !== QUOTE) return false;
  if (bytes[start + 2] !== HEAD[2] || bytes.compare(HEAD, 0, HEAD.length, start, start + HEAD.length) !== 0) return false;
  let timeFrom = timeTo - SHORTEST_TIME;
  while (bytes[timeFrom - 1] !== QUOTE) if (timeTo - timeFrom-- > LONGEST_TIME) return false;
  const to = timeFrom - STDOUT.length;
  if (to < start + HEAD.length) return false;
  // The first letter in which the two differ: stdOut, stdErr.
  const stderr = bytes[to + 15] === STDERR[15];
  if (bytes.compare(stderr ? STDERR : STDOUT, 0, STDOUT.length, to, timeFrom) !== 0) return false;
  into.from = start + HEAD.length;
  into.to = to;
  into.text = undefined;
  into.stderr = stderr;
  into.timeFrom = timeFrom;
  into.timeTo = timeTo;
  into.time = undefined;
  return true;
}

/** With attributes, or from another writer. */
function readAny(bytes: Buffer, start: number, end: number, into: Entry): boolean {
  let parsed: { log?: unknown; stream?: unknown; time?: unknown } | null;
  try {
    parsed = JSON.parse(bytes.toString('utf8', start, end)) as typeof parsed;
  } catch {
    return false;
  }
  if (typeof parsed?.log !== 'string' || typeof parsed.time !== 'string') return false;
  into.text = Buffer.from(parsed.log);
  into.time = Buffer.from(parsed.time);
  into.stderr = parsed.stream === 'stderr';
  return true;
}

/** Whether the entry's text ends a line; Docker splits lines of over 16 KiB into several entries. */
export function endsLine(bytes: Buffer, entry: Entry): boolean {
  if (entry.text !== undefined) return entry.text[entry.text.length - 1] === 0x0a;
  const { from, to } = entry;
  if (to - from < 2 || bytes[to - 1] !== 0x6e || bytes[to - 2] !== BACKSLASH) return false;
  let at = to - 3;
  while (at >= from && bytes[at] === BACKSLASH) at--;
  return (to - 2 - at) % 2 === 1; // the backslash before the n is not itself escaped
}

const SIMPLE: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, f: 0x0c };
/** What stands for a character after a backslash, by its code; 0 for none. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, code) => SIMPLE[String.fromCharCode(code)] ?? (code === QUOTE || code === BACKSLASH || code === 0x2f ? code : 0));

/** Writes the entry's text into `out` at `at`; returns where it ends there. Never longer than its escaped form. */
export function writeText(bytes: Buffer, entry: Entry, out: Buffer, at: number): number {
  if (entry.text !== undefined) return at + entry.text.copy(out, at);
  const { to } = entry;
  let { from } = entry;
  for (;;) {
    const escape = bytes.indexOf(BACKSLASH, from);
    const plainTo = escape < 0 || escape >= to ? to : escape;
    at += bytes.copy(out, at, from, plainTo);
    if (plainTo === to) return at;
    const code = bytes[escape + 1] ?? 0;
    const single = ESCAPES[code] ?? 0;
    if (single !== 0) {
      out[at++] = single;
      from = escape + 2;
    } else {
      // \uXXXX, of which two may make one character.
      let end = escape + 6;
      while (bytes[end] === BACKSLASH && bytes[end + 1] === 0x75 && end + 6 <= to) end += 6;
      at += out.write(unescape(bytes.toString('latin1', escape, end)), at);
      from = end;
    }
  }
}

function unescape(text: string): string {
  return text.replaceAll(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))).toWellFormed();
}
