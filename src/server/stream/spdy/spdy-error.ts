import { KmError } from '../../../base/index.ts';

/** The peer does not speak SPDY/3 as it should: the connection cannot go on. */
export class SpdyError extends KmError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('invalid', message, options);
    this.name = 'SpdyError';
  }
}
