import type { Readable } from 'node:stream';

/** What a request comes to. A stream is sent chunk by chunk as it comes, and destroyed when the client goes. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | Readable | AsyncIterable<Buffer | string>;
}

const PLAIN = 'text/plain; charset=utf-8';

/** Text as it stands, as go-restful writes errors. */
export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': PLAIN, ...headers }, body };
}

/** An error as Go's `http.Error` writes it: a line, and no guessing of its type. */
export function errorLine(status: number, message: string): Answer {
  return text(status, `${message}\n`, { 'x-content-type-options': 'nosniff' });
}

export function json(value: unknown): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** Thrown where a request cannot be served; its message is the body of the answer. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`HTTP ${answer.status}`);
    this.name = 'Refusal';
    this.answer = answer;
  }

  /** With go-restful's plain text. */
  static of(status: number, message: string): Refusal {
    return new Refusal(text(status, message));
  }
}
