import type { CommandEnd } from '../contract.ts';

/** A Kubernetes `Status`, as far as the error stream has it. */
export interface CommandStatus {
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes: readonly { readonly reason?: string; readonly message: string }[] };
  readonly code?: number;
}

/** What the error stream says at the end (Kubernetes v1.20 pkg/kubelet/cri/streaming/remotecommand/exec.go). */
export function statusOf(end: CommandEnd): CommandStatus {
  if (end.kind === 'failed') return { metadata: {}, status: 'Failure', message: `Internal error occurred: ${end.message}`, reason: 'InternalError', details: { causes: [{ message: end.message }] }, code: 500 };
  if (end.code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: Error executing in Docker Container: ${end.code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(end.code) }] },
  };
}

/** The bytes for the error stream: since version 4 the Status as JSON, before that the words of a failure and nothing else. */
export function encodeStatus(status: CommandStatus, version: number): Buffer {
  if (version >= 4) return Buffer.from(JSON.stringify(status));
  return Buffer.from(status.status === 'Success' ? '' : (status.message ?? ''));
}
