import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HttpReader } from '../../../../src/harness/record/http-reader.ts';

interface Seen {
  readonly head: string;
  readonly body: string;
  readonly chunked: boolean;
}

function reader(kind: 'request' | 'response'): { reader: HttpReader; seen: Seen[]; interjections: string[] } {
  const seen: Seen[] = [];
  const interjections: string[] = [];
  let head = '';
  let body = '';
  const http = new HttpReader(kind, {
    onHead: ({ first }) => (head = first),
    onBody: (piece) => (body += Buffer.from(piece).toString('latin1')),
    onEnd: (chunked) => {
      seen.push({ head, body, chunked });
      body = '';
    },
    onInterjection: ({ first }, bytes) => interjections.push(`${first}|${Buffer.from(bytes).toString()}`),
  });
  return { reader: http, seen, interjections };
}

const chunked = (pieces: string[]): string => `${pieces.map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;

describe('the reader of HTTP', () => {
  it('reads messages whose bytes are split anywhere', () => {
    const ascii = fc.string({ unit: 'grapheme-ascii' });
    const message = fc.oneof(
      fc.record({ body: ascii, how: fc.constant('length' as const) }),
      fc.record({ body: fc.array(fc.string({ minLength: 1, unit: 'grapheme-ascii' })), how: fc.constant('chunks' as const) }),
    );
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (messages, cuts) => {
        const text = messages
          .map(({ body, how }) => (how === 'length' ? `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}` : `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(body)}`))
          .join('');
        const bytes = Buffer.from(text);
        const { reader: http, seen } = reader('response');
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] as number;
          http.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(seen).toEqual(messages.map(({ body, how }) => ({ head: 'HTTP/1.1 200 OK', body: typeof body === 'string' ? body : body.join(''), chunked: how === 'chunks' })));
      }),
    );
  });

  it('never does worse than refuse what is no HTTP', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (pieces) => {
        const { reader: http } = reader('response');
        try {
          for (const piece of pieces) http.push(piece);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid' });
        }
      }),
    );
  });

  it.each([
    ['request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi', [['GET / HTTP/1.1', ''], ['POST / HTTP/1.0', 'hi']]],
    ['response', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', [['HTTP/1.1 100 Continue', ''], ['HTTP/1.1 202 Accepted', '']]],
    ['response', `HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n`, [['HTTP/1.1 200 OK', 'hello']]],
  ] as const)('knows where a %s ends: %j', (kind, text, messages) => {
    const { reader: http, seen } = reader(kind);
    http.push(Buffer.from(text));
    expect(seen.map(({ head, body }) => [head, body])).toEqual(messages);
  });

  it('takes the end of the connection for the end of a response without a length', () => {
    const { reader: http, seen } = reader('response');
    http.push(Buffer.from('HTTP/1.0 200 OK\r\n\r\nall of it'));
    expect(seen).toEqual([]);
    http.close();
    expect(seen).toEqual([{ head: 'HTTP/1.0 200 OK', body: 'all of it', chunked: false }]);
  });

  it('finds a whole response between two chunks of another, split anywhere', () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno3\r\ntwo\r\n0\r\n\r\n';
    for (let cut = 1; cut < text.length; cut++) {
      const { reader: http, seen, interjections } = reader('response');
      http.push(Buffer.from(text.slice(0, cut)));
      http.push(Buffer.from(text.slice(cut)));
      expect(seen).toEqual([{ head: 'HTTP/1.1 200 OK', body: 'onetwo', chunked: true }]);
      expect(interjections).toEqual(['HTTP/1.1 403 Forbidden|no']);
    }
  });

  it.each([
    ['a head without an end', `POST / HTTP/1.1\r\n${'x'.repeat(300_000)}`],
    ['a wrong chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['a wrong Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'],
  ])('refuses %s', (what, text) => {
    expect(() => reader('response').reader.push(Buffer.from(text))).toThrow(what);
  });
});
