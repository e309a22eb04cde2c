/** A general check of a Mesos task: how it is made is ours, what its result means the framework's. */
export type TaskCheck = {
  /** From the container's start to the first one, milliseconds. */
  readonly delayMs: number;
  /** From the end of one to the next, milliseconds. */
  readonly intervalMs: number;
  /** Milliseconds; absent: as long as it takes. */
  readonly timeoutMs?: number;
} & (
  | { readonly type: 'COMMAND'; readonly command: readonly string[] }
  | { readonly type: 'HTTP'; readonly port: number; readonly path: string }
  | { readonly type: 'TCP'; readonly port: number }
);

/** The latest result, in Mesos' words (CheckStatusInfo); empty while there is none: not made yet, or not to the end. */
export type CheckStatus =
  | { readonly type: 'COMMAND'; readonly command: { readonly exit_code?: number } }
  | { readonly type: 'HTTP'; readonly http: { readonly status_code?: number } }
  | { readonly type: 'TCP'; readonly tcp: { readonly succeeded?: boolean } };

export function emptyCheckStatus(type: TaskCheck['type']): CheckStatus {
  switch (type) {
    case 'COMMAND':
      return { type, command: {} };
    case 'HTTP':
      return { type, http: {} };
    case 'TCP':
      return { type, tcp: {} };
  }
}
