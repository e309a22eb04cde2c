import type { Duplex } from 'node:stream';
import { KmError, type Clock } from '../../../base/index.ts';
import { DataSender } from './data-sender.ts';
import { encodeGoaway, encodePing, encodeRstStream, encodeSynReply, encodeWindowUpdate, GOAWAY, RESET, type Frame } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { HeaderWriter, type Headers } from './header-block.ts';
import { SpdyStream, type StreamCarrier } from './spdy-stream.ts';
import { Windows } from './windows.ts';
import { Garbage } from '../garbage.ts';

export interface SpdyOptions {
  readonly clock: Clock;
  /** A connection on which nothing came or went for so long is closed, milliseconds. */
  readonly idleTimeoutMs: number;
  /** Streams that may be open at a time; more are refused. */
  readonly maxStreams: number;
  /** May the peer open a stream with these headers? */
  readonly admits: (headers: Headers, id: number) => boolean;
  /** Takes a stream whose opening has been answered. */
  readonly onStream: (stream: SpdyStream) => void;
}

/** Bytes that one stream may hold unread before the connection stops reading: then others wait too, as in Go's implementation. */
const MOST_HELD_BY_STREAM = 256 * 1024;
const MOST_HELD = 4 * 1024 * 1024;
/** Bytes of answers (pings, resets) that may wait to be sent before the connection stops reading what it would have to answer. */
const MOST_OWED = 64 * 1024;
/** How long the peer has to close, once all that we had to say is sent. */
const CLOSING_MS = 10_000;
/** How often a connection looks whether it is idle, and whether a peer to whom it does not listen just now is still there. */
const TICK_MS = 10_000;

/**
 * The server's end of a SPDY/3.1 connection over any byte stream. `signal` aborts when it is over, whoever ended it.
 *
 * No bytes are held but: what came on a stream and was not read yet (bounded, then the socket is not read), one chunk of each stream on
 * its way out, and answers owed (bounded in the same way).
 */
export class SpdyConnection implements StreamCarrier {
  readonly #socket: Duplex;
  readonly #options: SpdyOptions;
  readonly #decoder = new FrameDecoder();
  readonly #headerWriter = new HeaderWriter();
  readonly #windows = new Windows();
  readonly #sender: DataSender;
  readonly #garbage = new Garbage();
  readonly #streams = new Map<number, SpdyStream>();
  /** Our side of these is closed, or theirs. */
  readonly #finishedByUs = new Set<number>();
  readonly #finishedByPeer = new Set<number>();
  readonly #full = new Set<number>();
  readonly #over = new AbortController();
  #state: 'open' | 'closing' | 'over' = 'open';
  #lastId = 0;
  #pingId = 0;
  #held = 0;
  #owed = 0;
  #paused = false;
  #activeAt: number;
  #cancelTimer: () => void = () => undefined;

  constructor(socket: Duplex, head: Buffer, options: SpdyOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#activeAt = options.clock.elapsed();
    this.#sender = new DataSender(socket, this.#windows, () => (this.#activeAt = options.clock.elapsed()));
    socket.on('error', (error) => this.#end(new KmError('aborted', 'the connection broke', { cause: error })));
    socket.on('end', () => this.#end(gone()));
    socket.on('close', () => this.#end(gone()));
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#tick();
    // Not before whoever made the connection holds it.
    queueMicrotask(() => {
      if (head.length > 0) this.#receive(head);
    });
  }

  /** Aborts when the connection is over; nothing more comes or goes then. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Says goodbye, after everything that was written; streams still open are reset. */
  close(): void {
    if (this.#state === 'open') this.#close(GOAWAY.ok);
  }

  #close(status: number): void {
    for (const stream of [...this.#streams.values()]) {
      // The peer knows already that nothing more comes on those which we have finished.
      if (this.#finishedByUs.has(stream.id)) this.#forget(stream.id);
      stream.destroy();
    }
    this.#state = 'closing';
    this.#endAfter(this.#options.idleTimeoutMs);
    this.#socket.end(encodeGoaway(this.#lastId, status), () => this.#endAfter(CLOSING_MS));
    // What still comes is passed over: a socket that is closed with bytes unread would take back bytes that the peer has not read yet.
    this.#socket.resume();
  }

  #endAfter(ms: number): void {
    if (this.#state === 'over') return;
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(ms, () => this.#end(gone()));
  }

  #end(reason: KmError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#cancelTimer();
    this.#over.abort(reason);
    for (const stream of [...this.#streams.values()]) stream.destroy(reason);
    this.#sender.closedAll();
    this.#socket.destroy();
  }

  #tick(): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#cancelTimer = clock.after(Math.min(TICK_MS, idleTimeoutMs), () => {
      if (clock.elapsed() - this.#activeAt >= idleTimeoutMs) return this.close();
      // A peer that is gone shows in the answer to what we send, since just now we do not read.
      if (this.#paused) this.#answer(encodePing((this.#pingId += 2) & 0x7fff_fffe));
      this.#tick();
    });
  }

  // What comes in.

  #receive(chunk: Buffer): void {
    this.#garbage.add(chunk.length);
    if (this.#state !== 'open') return;
    this.#activeAt = this.#options.clock.elapsed();
    try {
      for (const frame of this.#decoder.decode(chunk)) {
        this.#take(frame);
        if (this.#state !== 'open') return;
      }
    } catch {
      this.#close(GOAWAY.protocolError);
    }
    this.#pauseOrResume();
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case 'data':
        return this.#takeData(frame.id, frame.data, frame.fin);
      case 'syn-stream':
        return this.#open(frame);
      case 'syn-reply':
        return; // We open none.
      case 'headers':
        if (frame.fin) this.#takeEnd(frame.id);
        return;
      case 'rst-stream': {
        const stream = this.#streams.get(frame.id);
        this.#forget(frame.id);
        stream?.destroy(new KmError('aborted', 'the client reset the stream'));
        return;
      }
      case 'ping':
        // Ours have even numbers: this is the answer to one.
        if (frame.id % 2 === 1) this.#answer(encodePing(frame.id));
        return;
      case 'goaway':
        // The peer opens no more streams; those that are open go on until it closes the connection.
        return;
      case 'settings':
        if (frame.initialWindow === undefined) return;
        this.#windows.setInitial(frame.initialWindow);
        return this.#sender.windowsOpened();
      case 'window-update':
        if (!this.#windows.update(frame.id, frame.delta)) {
          if (frame.id === 0) this.#close(GOAWAY.protocolError);
          else this.#reset(frame.id, RESET.flowControlError);
        }
        return this.#sender.windowsOpened();
      default:
        return frame satisfies never;
    }
  }

  #open({ id, headers, fin, unidirectional }: Frame & { kind: 'syn-stream' }): void {
    if (id % 2 === 0 || id <= this.#lastId) return this.#answer(encodeRstStream(id, RESET.protocolError));
    this.#lastId = id;
    if (unidirectional || this.#streams.size >= this.#options.maxStreams || !this.#options.admits(headers, id)) return this.#answer(encodeRstStream(id, RESET.refusedStream));
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    this.#windows.open(id);
    this.#answer(encodeSynReply(id, this.#headerWriter.write(new Map())));
    this.#options.onStream(stream);
    if (fin) this.#takeEnd(id);
  }

  #takeData(id: number, data: Buffer, fin: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || this.#finishedByPeer.has(id)) {
      // To a stream that we have closed the peer may still have been sending.
      if (id > this.#lastId) this.#answer(encodeRstStream(id, RESET.invalidStream));
      return;
    }
    stream.receive(data);
    if (fin) this.#takeEnd(id);
  }

  #takeEnd(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || this.#finishedByPeer.has(id)) return;
    this.#finishedByPeer.add(id);
    stream.receiveEnd();
    this.#forgetIfFinished(id);
  }

  holds(stream: SpdyStream, change: number): void {
    this.#held += change;
    if (stream.cost > MOST_HELD_BY_STREAM) this.#full.add(stream.id);
    else this.#full.delete(stream.id);
    this.#pauseOrResume();
  }

  taken(stream: SpdyStream, bytes: number): void {
    for (const { id, delta } of this.#windows.taken(stream.id, bytes)) this.#answer(encodeWindowUpdate(id, delta));
  }

  #pauseOrResume(): void {
    const pause = this.#state === 'open' && (this.#full.size > 0 || this.#held > MOST_HELD || this.#owed > MOST_OWED);
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }

  // What goes out.

  send(stream: SpdyStream, data: Buffer, done: (error?: Error) => void): void {
    const { id } = stream;
    const isOpen = (): boolean => this.#state === 'open' && !stream.destroyed && !this.#finishedByUs.has(id);
    this.#garbage.add(data.length);
    this.#sender.send({ id, isOpen, data, done: (sent) => (sent ? done() : done(gone())) });
  }

  finish({ id }: SpdyStream, done: (error?: Error) => void): void {
    if (this.#state !== 'open') return done(gone());
    if (!this.#finishedByUs.has(id)) {
      this.#finishedByUs.add(id);
      this.#sender.sendEnd(id);
      this.#forgetIfFinished(id);
    }
    done();
  }

  #answer(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    this.#owed += bytes.length;
    this.#socket.write(bytes, () => {
      this.#owed -= bytes.length;
      this.#pauseOrResume();
    });
  }

  // How streams end.

  gone(stream: SpdyStream): void {
    const { id } = stream;
    this.#full.delete(id);
    if (this.#streams.has(id)) this.#answer(encodeRstStream(id, RESET.cancel));
    this.#forget(id);
    this.#sender.closed(id);
    this.#pauseOrResume();
  }

  #reset(id: number, status: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#answer(encodeRstStream(id, status));
    this.#forget(id);
    stream.destroy(new KmError('aborted', 'the stream was reset'));
  }

  #forgetIfFinished(id: number): void {
    if (this.#finishedByUs.has(id) && this.#finishedByPeer.has(id)) this.#forget(id);
  }

  #forget(id: number): void {
    this.#streams.delete(id);
    this.#finishedByUs.delete(id);
    this.#finishedByPeer.delete(id);
    this.#windows.close(id);
  }
}

function gone(): KmError {
  return new KmError('aborted', 'the client is gone');
}
