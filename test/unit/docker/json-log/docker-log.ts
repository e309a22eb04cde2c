import { existsSync, mkdtempSync, openSync, closeSync, renameSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Written {
  readonly text: string;
  readonly stream: 'stdout' | 'stderr';
  /** Milliseconds since the epoch. */
  readonly ms: number;
  readonly nanoseconds?: number;
}

/** RFC 3339 with nanoseconds, zeros at the end left out, as Go writes it. */
export function goTime({ ms, nanoseconds = 0 }: Written): string {
  const fraction = `${String(ms % 1000).padStart(3, '0')}${String(nanoseconds).padStart(6, '0')}`.replace(/0+$/, '');
  return `${new Date(ms).toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** One entry as Docker's json-file driver writes it: like Go's encoder, it escapes <, > and &. */
export function entryLine(written: Written): string {
  const log = JSON.stringify(written.text).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `{"log":${log},"stream":"${written.stream}","time":"${goTime(written)}"}\n`;
}

/** A log in a directory of its own, written and rotated as Docker does it. */
export class DockerLog implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'km-log-'));
  readonly path = join(this.directory, 'x-json.log');
  readonly #maxFiles: number;
  #fd: number;
  #ms = Date.UTC(2026, 0, 1);

  constructor(maxFiles = 5) {
    this.#maxFiles = maxFiles;
    this.#fd = openSync(this.path, 'a');
  }

  write(text: string, stream: Written['stream'] = 'stdout'): void {
    this.raw(entryLine({ text, stream, ms: this.#ms++ }));
  }

  raw(line: string): void {
    writeSync(this.#fd, line);
  }

  rotate(): void {
    closeSync(this.#fd);
    for (let age = this.#maxFiles - 1; age > 0; age--) {
      const from = age === 1 ? this.path : `${this.path}.${age - 1}`;
      if (existsSync(from)) renameSync(from, `${this.path}.${age}`);
    }
    this.#fd = openSync(this.path, 'w');
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    rmSync(this.directory, { recursive: true });
  }
}
