import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { KmError } from '../../base/index.ts';
import type { KeyPair } from './certificate-file.ts';

/** For whom a certificate is made out. */
export interface Holder {
  readonly commonName: string;
  readonly organization?: string;
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

/** A new key and the request to sign a certificate for it, both PEM. */
export interface CertificateRequest {
  readonly request: string;
  readonly key: string;
}

export type CertificateOrder = { readonly kind: 'self-signed'; readonly holder: Holder; readonly now: number } | { readonly kind: 'request'; readonly holder: Holder };

/** Longest time for it, milliseconds. */
const TIMEOUT_MS = 30_000;

/** A certificate for servers that only its own key vouches for, good for a year from `now`, milliseconds. Throws code `internal` or `aborted`. */
export function orderSelfSigned(holder: Holder, now: number, signal?: AbortSignal): Promise<KeyPair> {
  return ordered({ kind: 'self-signed', holder, now }, signal);
}

/** Throws code `internal` or `aborted`. */
export function orderRequest(holder: Holder, signal?: AbortSignal): Promise<CertificateRequest> {
  return ordered({ kind: 'request', holder }, signal);
}

/** Has it made by a process that ends then; the key comes back through a pipe. */
async function ordered<T>(order: CertificateOrder, signal?: AbortSignal): Promise<T> {
  const environment = { PATH: process.env['PATH'] ?? '' };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'certificate-process.ts')], { stdio: 'pipe', env: environment, timeout: TIMEOUT_MS, signal });
  const ended = once(child, 'close') as Promise<[number | null]>;
  child.stdin.on('error', () => undefined); // it has ended: its code tells
  child.stdin.end(JSON.stringify(order));
  try {
    const [answer, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (code !== 0) throw new KmError('internal', `no certificate could be made (exit code ${code}): ${complaint.trim().slice(-500)}`);
    return JSON.parse(answer) as T;
  } catch (error) {
    throw signal?.aborted === true ? new KmError('aborted', 'aborted', { cause: error }) : error;
  }
}
