import { decodeCall, decodeEvent, encodeCall, encodeEvent, RecordDecoder, type ContentType } from '../../mesos/index.ts';
import { HttpReader, type HttpHead } from './http-reader.ts';
import type { RecordedLine } from './recording-writer.ts';
import type { Side } from './recording.ts';

/** Bodies beyond this are not interpreted, bytes; it is more than any call or answer has. */
const LARGEST_BODY = 64 * 1024 * 1024;

/** Headers that carry secrets; they are never written. */
const SECRET = /^(authorization|proxy-authorization|cookie|set-cookie)$/;

/** What a tap saw of a kind that has no line of its own. */
export interface TapFindings {
  /** Some request carried a token. */
  onToken(): void;
  /** What goes over this connection is no HTTP that we can read; nothing more is written of this side. */
  onUnreadable(side: Side, error: unknown): void;
}

/** Reads along with one connection and writes down what its bytes mean. Never touches them. */
export class ConnectionTap {
  readonly #conn: number;
  readonly #write: (line: RecordedLine) => void;
  readonly #findings: TapFindings;
  readonly #readers: Readonly<Record<Side, HttpReader>>;
  readonly #blind = new Set<Side>();

  constructor(conn: number, write: (line: RecordedLine) => void, findings: TapFindings) {
    this.#conn = conn;
    this.#write = write;
    this.#findings = findings;
    this.#readers = { executor: this.#requests(), agent: this.#responses() };
  }

  push(side: Side, bytes: Uint8Array): void {
    this.#guarded(side, () => this.#readers[side].push(bytes));
  }

  connection(side: Side, connection: 'open' | 'end' | 'close' | 'error'): void {
    if (connection === 'end') this.#guarded(side, () => this.#readers[side].close());
    this.#write({ conn: this.#conn, from: side, connection });
  }

  #guarded(side: Side, read: () => void): void {
    if (this.#blind.has(side)) return;
    try {
      read();
    } catch (error) {
      this.#blind.add(side);
      this.#findings.onUnreadable(side, error);
    }
  }

  #requests(): HttpReader {
    let head: HttpHead | undefined;
    const body = new Body();
    return new HttpReader('request', {
      onHead: (next) => {
        head = next;
        if (next.headers.authorization !== undefined) this.#findings.onToken();
      },
      onBody: (piece) => body.add(piece),
      onEnd: () => {
        if (head !== undefined) this.#write({ conn: this.#conn, from: 'executor', ...requestLine(head, body.take()) });
      },
      onInterjection: () => undefined,
    });
  }

  #responses(): HttpReader {
    let head: HttpHead | undefined;
    let events: { decoder: RecordDecoder; contentType: ContentType } | undefined;
    const body = new Body();
    const answer = (of: HttpHead, bytes: Uint8Array): void => {
      const text = Buffer.from(bytes).toString('utf8');
      this.#write({ conn: this.#conn, from: 'agent', status: statusOf(of), ...(text === '' ? {} : { body: text }) });
    };
    return new HttpReader('response', {
      onHead: (next) => {
        head = next;
        const type = next.headers['content-type'];
        const isStream = statusOf(next) === 200 && (type === 'application/json' || type === 'application/x-protobuf');
        events = isStream ? { decoder: new RecordDecoder(), contentType: type } : undefined;
        if (isStream) answer(next, new Uint8Array());
      },
      onBody: (piece) => {
        if (events === undefined) body.add(piece);
        else for (const record of events.decoder.push(piece)) this.#write({ conn: this.#conn, from: 'agent', ...eventLine(record, events.contentType) });
      },
      onEnd: (chunked) => {
        if (events !== undefined) {
          if (chunked) this.#write({ conn: this.#conn, from: 'agent', end: 'last chunk' });
        } else if (head !== undefined && statusOf(head) >= 200) answer(head, body.take());
      },
      onInterjection: answer,
    });
  }
}

/** A body as it comes, up to a limit. */
class Body {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes <= LARGEST_BODY) this.#pieces.push(piece);
  }

  take(): Uint8Array {
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return whole;
  }
}

/** A valid call in its JSON form, anything else as it was. */
function requestLine(head: HttpHead, body: Uint8Array): Record<string, unknown> {
  const [method = '', path = ''] = head.first.split(' ');
  const call = method === 'POST' ? callForm(head.headers['content-type'], body) : undefined;
  if (call !== undefined) return { ...(path === '/api/v1/executor' ? {} : { path }), ...call };
  const headers = Object.fromEntries(Object.entries(head.headers).filter(([name]) => !SECRET.test(name)));
  return { method, path, headers, bytes: Buffer.from(body).toString('base64') };
}

function callForm(contentType: string | undefined, body: Uint8Array): Record<string, unknown> | undefined {
  try {
    if (contentType === 'application/json') return { call: JSON.parse(Buffer.from(body).toString('utf8')) as unknown };
    if (contentType !== 'application/x-protobuf') return undefined;
    return { call: json(encodeCall(decodeCall(body, contentType), 'application/json')), base64: Buffer.from(body).toString('base64') };
  } catch {
    return undefined;
  }
}

function eventLine(record: Uint8Array, contentType: ContentType): Record<string, unknown> {
  if (contentType === 'application/json') return { event: json(record) };
  return { event: json(encodeEvent(decodeEvent(record, contentType), 'application/json')), base64: Buffer.from(record).toString('base64') };
}

function json(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

function statusOf(head: HttpHead): number {
  return Number(head.first.split(' ')[1]);
}
