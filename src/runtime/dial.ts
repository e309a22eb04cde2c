import { connect } from 'node:net';
import type { Address } from '../pod/index.ts';

/** Connects and hangs up; gives back why that failed, or `undefined` (Kubernetes v1.20 pkg/probe/tcp). */
export function dial({ host, port }: Address, timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (failure: string | undefined): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(failure);
    };
    const onAbort = (): void => end(`dial tcp ${host}:${port}: operation was canceled`);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('connect', () => end(undefined));
    socket.on('timeout', () => end(`dial tcp ${host}:${port}: i/o timeout`));
    socket.on('error', (error) => end(`dial tcp ${host}:${port}: ${error.message}`));
  });
}
