import { KmError } from '../../base/index.ts';

/** The first lines of a request or a response. */
export interface HttpHead {
  /** `POST /api/v1/executor HTTP/1.1` or `HTTP/1.1 202 Accepted`. */
  readonly first: string;
  /** Names in lower case; the last of several wins. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpHandlers {
  onHead(head: HttpHead): void;
  /** A piece of the body, chunked transfer taken off. */
  onBody(piece: Uint8Array): void;
  /** The message is complete; `chunked` tells that a last chunk said so. */
  onEnd(chunked: boolean): void;
  /** A whole response that stands between two chunks of another: what an agent does with a call on the connection of its events. */
  onInterjection(head: HttpHead, body: Uint8Array): void;
}

/** Longest head or chunk-size line that is still taken for HTTP, bytes. */
const LONGEST_HEAD = 256 * 1024;

type State =
  | { readonly in: 'head' }
  | { readonly in: 'body'; left: number; readonly chunked: boolean }
  | { readonly in: 'chunk-size' }
  | { readonly in: 'chunk-end' }
  | { readonly in: 'trailer' }
  | { readonly in: 'until-close' };

/**
 * Reads the HTTP/1.1 messages that go one way over a connection, out of bytes split anywhere. Holds heads and lines, never
 * bodies. Once it has thrown it must not be pushed again.
 */
export class HttpReader {
  readonly #kind: 'request' | 'response';
  readonly #handlers: HttpHandlers;
  #state: State = { in: 'head' };
  #rest: Uint8Array = new Uint8Array();

  constructor(kind: 'request' | 'response', handlers: HttpHandlers) {
    this.#kind = kind;
    this.#handlers = handlers;
  }

  /** Throws code `invalid` when this is no HTTP. */
  push(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length > 0 && this.#advance());
    if (this.#rest.length > LONGEST_HEAD) throw new KmError('invalid', 'no HTTP: a head without an end');
  }

  /** The connection has ended: so has a body without a length. */
  close(): void {
    if (this.#state.in === 'until-close') this.#handlers.onEnd(false);
  }

  /** One step; false when more bytes are needed. */
  #advance(): boolean {
    const state = this.#state;
    switch (state.in) {
      case 'head':
        return this.#readHead();
      case 'body':
        return this.#readBody(state);
      case 'chunk-size':
        return this.#readChunkSize();
      case 'chunk-end':
        return this.#line() !== undefined && this.#go({ in: 'chunk-size' });
      case 'trailer':
        return this.#readTrailer();
      case 'until-close':
        this.#handlers.onBody(this.#take(this.#rest.length));
        return false;
    }
  }

  #readHead(): boolean {
    const head = this.#head();
    if (head === undefined) return false;
    this.#handlers.onHead(head);
    const status = this.#kind === 'response' ? Number(head.first.split(' ')[1]) : undefined;
    if (status !== undefined && ((status >= 100 && status < 200) || status === 204 || status === 304)) return this.#ended(false);
    if (/\bchunked\b/i.test(head.headers['transfer-encoding'] ?? '')) return this.#go({ in: 'chunk-size' });
    const length = head.headers['content-length'];
    if (length === undefined) return this.#kind === 'request' ? this.#ended(false) : this.#go({ in: 'until-close' });
    if (!/^\d+$/.test(length)) throw new KmError('invalid', 'no HTTP: a wrong Content-Length');
    return Number(length) === 0 ? this.#ended(false) : this.#go({ in: 'body', left: Number(length), chunked: false });
  }

  #readBody(state: { left: number; readonly chunked: boolean }): boolean {
    const piece = this.#take(Math.min(state.left, this.#rest.length));
    state.left -= piece.length;
    this.#handlers.onBody(piece);
    if (state.left > 0) return true;
    return state.chunked ? this.#go({ in: 'chunk-end' }) : this.#ended(false);
  }

  #readChunkSize(): boolean {
    if (Buffer.from(this.#rest.subarray(0, 5)).toString('latin1') === 'HTTP/') return this.#readInterjection();
    const line = this.#line();
    if (line === undefined) return false;
    const size = /^([0-9a-f]{1,8})\s*(;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new KmError('invalid', 'no HTTP: a wrong chunk size');
    const left = Number.parseInt(size, 16);
    return left === 0 ? this.#go({ in: 'trailer' }) : this.#go({ in: 'body', left, chunked: true });
  }

  #readTrailer(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    return line === '' ? this.#ended(true) : true;
  }

  #readInterjection(): boolean {
    const before = this.#rest;
    const head = this.#head();
    const length = Number(head?.headers['content-length'] ?? 0);
    if (head === undefined || this.#rest.length < length) {
      this.#rest = before;
      return false;
    }
    this.#handlers.onInterjection(head, this.#take(length));
    return true;
  }

  #ended(chunked: boolean): boolean {
    this.#handlers.onEnd(chunked);
    return this.#go({ in: 'head' });
  }

  #go(state: State): boolean {
    this.#state = state;
    return true;
  }

  #take(bytes: number): Uint8Array {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  /** The next line without its end; undefined while it is not complete. */
  #line(): string | undefined {
    const end = this.#rest.indexOf(0x0a);
    return end < 0 ? undefined : Buffer.from(this.#take(end + 1)).toString('latin1').replace(/\r?\n$/, '');
  }

  #head(): HttpHead | undefined {
    const end = Buffer.from(this.#rest.buffer, this.#rest.byteOffset, this.#rest.length).indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first = '', ...lines] = Buffer.from(this.#take(end + 4)).toString('latin1').trimEnd().split('\r\n');
    if (!/HTTP\/1\.\d/.test(first)) throw new KmError('invalid', 'no HTTP/1.x');
    return { first, headers: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])) };
  }
}
