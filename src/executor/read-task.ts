import { createHash } from 'node:crypto';
import { KmError, messageOf } from '../base/index.ts';
import type { TaskLimits } from '../docker/index.ts';
import type { KillPolicy, TaskInfo } from '../mesos/index.ts';
import { defaultPod, faultText, parsePod, type Pod, type ValidPod, validatePod } from '../pod/index.ts';
import { isDockerTask } from './docker-task/is-docker-task.ts';
import type { PodRecord } from './journal-entry.ts';
import { taskCheck } from './task-check.ts';

/** The pod of a task as it was given, its fields unchecked. Throws code `invalid` when there is none, or the task asks for what is its pod's affair. */
export async function podOfTask(task: TaskInfo): Promise<Pod> {
  if (task.data === undefined || task.data.length === 0) throw new KmError('invalid', 'TaskInfo.data: required, a Pod in JSON or YAML, or TaskInfo.container with a Docker image');
  if (task.health_check !== undefined) throw new KmError('invalid', 'TaskInfo.health_check: not with a Pod, whose containers say in livenessProbe and readinessProbe how they are');
  return parsePod(task.data);
}

/** The pod with its defaults, checked. Throws code `invalid` with every fault, each with the name of the field. */
export async function checked(pod: Pod, uidOf: (pod: Pod) => Promise<string>): Promise<ValidPod> {
  const given = (pod.metadata as { uid?: unknown } | undefined)?.uid;
  const uid = typeof given === 'string' && given !== '' ? given : await uidOf(pod);
  const result = validatePod(defaultPod(pod, { uid }));
  if ('faults' in result) throw new KmError('invalid', faultText(result.faults));
  return result.pod;
}

/** What the journal keeps of a task that becomes this pod. `now`: milliseconds since the epoch. Throws code `invalid` when its check is none. */
export function recordOf(task: TaskInfo, pod: ValidPod, now: number): PodRecord {
  const maxCompletion = task.max_completion_time?.nanoseconds;
  const graceMs = killGraceMs(task.kill_policy);
  return {
    taskId: task.task_id.value,
    pod,
    launchedAt: now,
    inApi: false,
    ...(graceMs === undefined ? {} : { killGraceMs: graceMs }),
    limits: taskLimits(task),
    ...(task.check === undefined ? {} : { check: taskCheck(task.check) }),
    ...(isDockerTask(task) && task.health_check !== undefined ? { endsUnhealthy: true } : {}),
    ...(maxCompletion === undefined ? {} : { maxCompletionMs: Number(maxCompletion) / 1e6 }),
  };
}

/** What Mesos gives to a task: of `limits` what is there, else its resources, where memory is a limit and CPUs are not. */
export function taskLimits({ resources = [], limits = {} }: TaskInfo): TaskLimits {
  const sum = (name: string): number => resources.reduce((total, resource) => total + (resource.name === name ? (resource.scalar?.value ?? 0) : 0), 0);
  const [cpus, mem] = [sum('cpus'), limits['mem']?.value ?? sum('mem')];
  const cpuLimit = limits['cpus']?.value ?? 0;
  return {
    ...(cpus > 0 && { cpus }),
    ...(cpuLimit > 0 && Number.isFinite(cpuLimit) && { cpuLimit }),
    ...(mem > 0 && Number.isFinite(mem) && { memoryBytes: Math.round(mem * 2 ** 20) }), // Mesos counts megabytes of 2^20
  };
}

/** A UID for a pod that brings none: the same whenever the same task is launched. */
export function derivedUid(...parts: readonly string[]): string {
  const hex = createHash('sha256').update(parts.join('\0')).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Milliseconds of a kill policy's grace period; `undefined` when it has none. */
export function killGraceMs(policy: KillPolicy | undefined): number | undefined {
  const nanoseconds = policy?.grace_period?.nanoseconds;
  return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;
}

/** One line on what is wrong with a task, for its TASK_ERROR. */
export function faultMessage(error: unknown): string {
  return messageOf(error).slice(0, 4096);
}
