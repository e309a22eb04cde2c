import type { Socket } from 'node:net';

/** What connections may make us hold before we know whose they are. */
export interface UnadmittedLimits {
  /** Bytes that each may have. */
  readonly free: number;
  /** Bytes that all of them together may have beyond it. */
  readonly shared: number;
  /** Parts in which one request may come: with each, Node's parser copies what it holds of a header. */
  readonly parts: number;
}

/** What has come over one connection and is nobody's yet. */
interface Held {
  readonly socket: Socket;
  readonly take: (chunk: Buffer) => void;
  /** Bytes of a request that is not there yet, and the parts in which they came. */
  begun: number;
  parts: number;
  /** Bytes of requests whose sender is not known yet; those of a connection that is gone are held all the same. */
  asked: number;
  /** Requests that were admitted and are not over: what comes meanwhile is from somebody we know. */
  admitted: number;
  /** Its part of what all of them share. */
  large: number;
}

/** One request on its way past the gate. Both may be called more than once. */
export interface Admission {
  /** We know who asks. */
  admitted(): void;
  /** It has been answered, or its connection is gone or was taken over. */
  over(): void;
}

/**
 * Bounds the memory that strangers can take. A request may have as long a head as with the kubelet (a command stands in its query), and there may be
 * thousands of connections, so what is held for those whom nobody has admitted is counted: each has a little, all together share the rest. Where that does not
 * suffice the connection goes that has held its part for longest. One who asks as clients do is through in milliseconds; one who holds on
 * to what he has sent is not.
 */
export class Unadmitted {
  readonly #limits: UnadmittedLimits;
  readonly #held = new WeakMap<Socket, Held>();
  /** Open connections with a part of the shared bytes, in the order in which they came to have one. */
  readonly #large = new Set<Held>();
  #shared = 0;

  constructor(limits: UnadmittedLimits) {
    this.#limits = limits;
  }

  /** Counts what comes over a connection, from before its first request on. */
  watch(socket: Socket): void {
    const held: Held = { socket, take: ({ length }) => this.#take(held, length), begun: 0, parts: 0, asked: 0, admitted: 0, large: 0 };
    this.#held.set(socket, held);
    // Before the parser has it, which begins the request with it.
    socket.prependListener('data', held.take);
    socket.once('close', () => this.#weigh(held));
  }

  /** What comes from now on is not for the parser. */
  unwatch(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held !== undefined) socket.off('data', held.take);
  }

  /** A request has come over a connection that is watched. */
  begin(socket: Socket): Admission {
    const held = this.#held.get(socket);
    if (held === undefined) return { admitted: () => undefined, over: () => undefined };
    let asked = held.begun;
    held.asked += asked;
    held.begun = 0;
    held.parts = 0;
    const settle = (): void => {
      held.asked -= asked;
      asked = 0;
      this.#weigh(held);
    };
    let isAdmitted = false;
    return {
      admitted: () => {
        settle();
        if (!isAdmitted) held.admitted += 1;
        isAdmitted = true;
      },
      over: () => {
        settle();
        if (isAdmitted) held.admitted -= 1;
        isAdmitted = false;
      },
    };
  }

  #take(held: Held, length: number): void {
    if (held.admitted > 0) return;
    held.begun += length;
    held.parts += 1;
    if (held.parts > this.#limits.parts) held.socket.destroy();
    this.#weigh(held);
    for (const oldest of this.#large) {
      if (this.#shared <= this.#limits.shared) return;
      oldest.socket.destroy();
      this.#weigh(oldest);
    }
  }

  #weigh(held: Held): void {
    const { socket, begun, asked } = held;
    const large = socket.destroyed ? asked : Math.max(0, begun + asked - this.#limits.free);
    this.#shared += large - held.large;
    held.large = large;
    if (large === 0 || socket.destroyed) this.#large.delete(held);
    else this.#large.add(held);
  }
}
