import type { TaskReport, TaskStatus } from '../mesos/index.ts';
import type { CheckStatus, SaidOfTask, TaskUpdateDraft } from '../status/index.ts';

/** A draft in the words of the wire. Addresses go into `network_infos`: without them the agent reports its own as the task's. */
export function taskReport({ taskId, state, reason, message, healthy, check, ips = [], data }: TaskUpdateDraft): TaskReport {
  const addresses = ips.map((ip) => ({ ip_address: ip }));
  return {
    task_id: { value: taskId },
    state,
    ...(reason === undefined ? {} : { reason: reason as NonNullable<TaskStatus['reason']> }),
    ...(message === undefined ? {} : { message }),
    ...(healthy === undefined ? {} : { healthy }),
    ...(check === undefined ? {} : { check_status: check }),
    ...(data === undefined ? {} : { data: Buffer.from(data) }),
    ...(addresses.length === 0 ? {} : { container_status: { network_infos: [{ ip_addresses: addresses }] } }),
  };
}

/** What a status that was sent has said. */
export function saidIn({ state, healthy, check_status: check }: TaskStatus): SaidOfTask {
  return { state: String(state), ...(healthy === undefined ? {} : { healthy }), ...(check === undefined ? {} : { check: check as CheckStatus }) };
}
