import type { IncomingMessage } from 'node:http';

/** Counts requests as the kubelet does. */
export interface RequestMeter {
  /** A request has come; the returned function is called once, with the status of its answer. */
  begin(request: IncomingMessage): (status: number) => void;
}

/** Counts nothing. */
export const noMeter: RequestMeter = { begin: () => () => undefined };
