import { constants, inflateRawSync } from 'node:zlib';
import { DICTIONARY, DICTIONARY_ID } from './dictionary.ts';
import { SpdyError } from './spdy-error.ts';

/** Names in lower case, each with its first value. */
export type Headers = ReadonlyMap<string, string>;

/** Bytes of one header block, inflated, that are read at most: the streams of the kubelet have three short headers. */
const LARGEST_BLOCK = 64 * 1024;
/** Headers in one block. */
const MOST_HEADERS = 256;
/** How far back deflate may refer (RFC 1951). */
const DEFLATE_WINDOW = 32 * 1024;

/**
 * Reads compressed header blocks. All blocks of a connection are one zlib stream, flushed to a whole byte after each block. So a block can be
 * inflated by itself, at once and in a bounded space, once the last 32 KiB of what came before are given as its dictionary.
 */
export class HeaderReader {
  #started = false;
  #window: Buffer = DICTIONARY;

  /** Throws a SpdyError; the reader is of no use afterwards. */
  read(block: Buffer): Headers {
    const inflated = this.#inflate(this.#started ? block : afterZlibHeader(block));
    this.#started = true;
    this.#window = Buffer.concat([this.#window, inflated].map((part) => part.subarray(-DEFLATE_WINDOW))).subarray(-DEFLATE_WINDOW);
    return parseBlock(inflated);
  }

  #inflate(block: Buffer): Buffer {
    try {
      return inflateRawSync(block, { dictionary: this.#window, finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LARGEST_BLOCK });
    } catch (error) {
      throw new SpdyError('a header block cannot be inflated', { cause: error });
    }
  }
}

/** RFC 1950: deflate, with a preset dictionary, and that dictionary is ours. */
function afterZlibHeader(block: Buffer): Buffer {
  const isZlib = block.length >= 6 && ((block[0] ?? 0) & 0x0f) === 8 && block.readUInt16BE(0) % 31 === 0 && ((block[1] ?? 0) & 0x20) !== 0;
  if (!isZlib || block.readUInt32BE(2) !== DICTIONARY_ID) throw new SpdyError('the first header block is not compressed with the dictionary of SPDY/3');
  return block.subarray(6);
}

function parseBlock(bytes: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyError('a header block ends too early');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > bytes.length) throw new SpdyError('a header block ends too early');
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const count = number();
  if (count > MOST_HEADERS) throw new SpdyError(`a header block has ${count} headers, more than ${MOST_HEADERS}`);
  const headers = new Map<string, string>();
  for (let i = 0; i < count; i += 1) {
    const name = text().toLowerCase();
    // Several values of a name are separated by NUL.
    headers.set(name, text().split('\0', 1)[0] ?? '');
  }
  return headers;
}

/**
 * Writes header blocks into deflate's *stored* blocks, which need neither a compressor (about 300 KiB a connection) nor waiting for one. What we send
 * is empty but for its count. The empty stored block at the end is a sync flush: it makes the reader give out what it has.
 */
export class HeaderWriter {
  #started = false;

  write(headers: Headers): Buffer {
    const parts = [number32(headers.size), ...[...headers].flatMap(([name, value]) => [withLength(name.toLowerCase()), withLength(value)])];
    const block = Buffer.concat(parts);
    if (block.length > LARGEST_BLOCK - 1) throw new SpdyError(`a header block of ${block.length} bytes is too large`);
    const start = this.#started ? [] : [Buffer.from([0x78, 0xbb]), number32(DICTIONARY_ID)];
    this.#started = true;
    return Buffer.concat([...start, stored(block), stored(Buffer.alloc(0))]);
  }
}

function stored(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([number32(bytes.length), bytes]);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
