import type { PodStatus, ValidPod } from '../pod/index.ts';
import type { CheckStatus } from './task-check.ts';

/** Why a pod ends before its containers end by themselves. */
export type KillCause =
  | { readonly kind: 'mesos-kill'; readonly message: string }
  | { readonly kind: 'mesos-shutdown'; readonly message: string }
  | { readonly kind: 'api-deletion'; readonly message: string }
  | { readonly kind: 'deadline'; readonly message: string }
  | { readonly kind: 'launch-timeout'; readonly message: string }
  | { readonly kind: 'max-completion-time'; readonly message: string }
  /** The machine has been booted since. */
  | { readonly kind: 'reboot'; readonly message: string }
  /** It has taken more of the disk than its limits allow. */
  | { readonly kind: 'evicted'; readonly message: string }
  /** A Mesos health check has failed too often. */
  | { readonly kind: 'health-check'; readonly message: string };

/**
 * How far a pod is: `syncing` brings it to what its spec says, `terminating` ends it, `stopped` means that nothing of it runs any more and its
 * end is what it is, though dead containers with their logs, or files that could not be removed, are still there, `terminated` that containers,
 * sandbox and volumes are gone. Never backwards.
 */
export type PodStage = 'syncing' | 'terminating' | 'stopped' | 'terminated';

/** What the runtime tells of a pod, each time that something a user could see has changed. */
export interface PodReport {
  readonly taskId: string;
  readonly pod: ValidPod;
  readonly status: PodStatus;
  readonly stage: PodStage;
  /** Present from the moment the pod is to end. */
  readonly cause?: KillCause;
  /** The API wants the object gone: it is deleted when the pod is terminated. */
  readonly deleted: boolean;
  /** Every container had already succeeded before the first signal was sent. */
  readonly succeededBeforeKill: boolean;
  /** Of a task with a general check. */
  readonly check?: CheckStatus;
}

/** A Mesos task status before it has an identity: `mesos/ledger` adds uuid, time and source. */
export interface TaskUpdateDraft {
  readonly taskId: string;
  readonly state: 'TASK_STARTING' | 'TASK_RUNNING' | 'TASK_KILLING' | 'TASK_FINISHED' | 'TASK_FAILED' | 'TASK_KILLED' | 'TASK_ERROR';
  readonly reason?: string;
  readonly message?: string;
  /** The pod's Ready condition. */
  readonly healthy?: boolean;
  /** Only with TASK_RUNNING. */
  readonly check?: CheckStatus;
  /** Addresses of the pod. */
  readonly ips?: readonly string[];
  /** JSON of the pod's status. */
  readonly data?: string;
}

/** How far the reports of one task to Mesos have come. It only grows: a terminal state is the last one. */
export interface TaskProgress {
  readonly state: 'starting' | 'running' | 'killing' | 'ended';
  /** Last `healthy` that was reported. */
  readonly healthy?: boolean;
  /** Last result of the general check that was reported. */
  readonly check?: CheckStatus;
}
