import type { StreamLimits } from './limits.ts';
import type { Headers } from './spdy/header-block.ts';
import type { SpdyStream } from './spdy/spdy-stream.ts';

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly cancelTimer: () => void;
}

type Side = 'data' | 'error';

/**
 * Brings the streams of forwarded connections together: a client opens for each an error stream and a data stream with the same `requestID`
 * (Kubernetes v1.20 pkg/kubelet/cri/streaming/portforward/httpstream.go). A stream whose other half does not come in time is given up.
 */
export class StreamPairs {
  readonly #options: StreamLimits & { readonly onPair: (data: SpdyStream, error: SpdyStream) => void };
  readonly #pairs = new Map<string, Pair>();

  constructor(options: StreamLimits & { readonly onPair: (data: SpdyStream, error: SpdyStream) => void }) {
    this.#options = options;
  }

  /** Is this one of a pair, and not there yet? */
  admits(headers: Headers, id: number): boolean {
    const side = sideOf(headers);
    return side !== undefined && portOf(headers) !== undefined && this.#pairs.get(requestOf(headers, side, id))?.[side] === undefined;
  }

  /** Takes a stream that was admitted. */
  add(stream: SpdyStream): void {
    const side = sideOf(stream.headers) ?? 'error';
    const request = requestOf(stream.headers, side, stream.id);
    // Nothing comes on error streams that concerns us.
    if (side === 'error') stream.resume();
    const pair = this.#pairs.get(request) ?? { cancelTimer: this.#options.clock.after(this.#options.creationTimeoutMs, () => this.#giveUp(request)) };
    pair[side] = stream;
    this.#pairs.set(request, pair);
    if (pair.data === undefined || pair.error === undefined) return;
    this.#remove(request, pair);
    this.#options.onPair(pair.data, pair.error);
  }

  /** The connection is over. */
  clear(): void {
    for (const [request, pair] of [...this.#pairs]) this.#remove(request, pair);
  }

  #remove(request: string, pair: Pair): void {
    pair.cancelTimer();
    this.#pairs.delete(request);
  }

  #giveUp(request: string): void {
    const pair = this.#pairs.get(request);
    if (pair === undefined) return;
    this.#remove(request, pair);
    pair.data?.destroy();
    pair.error?.end(`(request=${request}) timed out waiting for streams`);
  }
}

function sideOf(headers: Headers): Side | undefined {
  const type = headers.get('streamtype');
  return type === 'data' || type === 'error' ? type : undefined;
}

/** The port that a stream is for; undefined where it names none. */
export function portOf(headers: Headers): number | undefined {
  const text = headers.get('port') ?? '';
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65535 ? port : undefined;
}

/** Clients of old name no request: they open the error stream, then at once the data stream. */
function requestOf(headers: Headers, side: Side, id: number): string {
  return headers.get('requestid') || String(side === 'error' ? id : id - 2);
}
