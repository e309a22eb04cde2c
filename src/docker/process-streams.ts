import type { Readable, Writable } from 'node:stream';

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** What a process in a container reads and writes, from the other side. Absent: not asked for. */
export interface ProcessStreams {
  /** Its end is the end of the process' standard input. */
  readonly stdin?: Readable;
  /** Also standard error, with a terminal. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Sizes of the client's terminal as they change. */
  readonly resize?: AsyncIterable<TerminalSize>;
  /** Aborted when nobody is at the other side any more. */
  readonly signal: AbortSignal;
}

export interface CommandToRun {
  readonly command: readonly string[];
  readonly tty: boolean;
}

/** Which part of a log is wanted, and how. */
export interface LogRange {
  /** Goes on until the container has ended. */
  readonly follow: boolean;
  /** Each line begins with its time: RFC 3339, UTC, nine digits of a second. */
  readonly timestamps: boolean;
  /** Only so many of the last lines that there are at the call. */
  readonly tailLines?: number;
  /** Only what was written at this time or later, milliseconds since the epoch. */
  readonly sinceMs?: number;
}
