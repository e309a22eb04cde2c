import type { Clock } from '../base/index.ts';
import type { Event, KillPolicy, TaskInfo } from '../mesos/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { Memory } from './memory.ts';
import { killOrder, mergeOrders } from './order.ts';
import { killGraceMs } from './read-task.ts';

export interface EarlyEventsOptions {
  readonly memory: Memory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What the agent wants of tasks before the Engine has been reached: it is written down, and found there when the tasks are taken up. The agent
 * says nothing a second time.
 */
export class EarlyEvents {
  readonly #options: EarlyEventsOptions;

  constructor(options: EarlyEventsOptions) {
    this.#options = options;
  }

  /** Events that are about no task are left alone. */
  take(event: Event): void {
    switch (event.type) {
      case 'LAUNCH':
        this.#launch([event.launch.task]);
        break;
      case 'LAUNCH_GROUP':
        this.#launchGroup(event.launch_group.task_group.tasks ?? []);
        break;
      case 'KILL':
        this.#kill(event.kill.task_id.value, event.kill.kill_policy);
        break;
      default:
        break;
    }
  }

  #launch(infos: readonly TaskInfo[]): void {
    for (const info of infos) this.#options.memory.accept(info);
  }

  #launchGroup(infos: readonly TaskInfo[]): void {
    const { memory } = this.#options;
    const taskIds = infos.map(({ task_id }) => task_id.value).filter((taskId) => !memory.ledger.has(taskId));
    if (taskIds.length === 0) return;
    memory.record({ kind: 'group', taskIds, decided: false });
    this.#launch(infos);
  }

  #kill(taskId: string, policy: KillPolicy | undefined): void {
    const { memory, clock, logger } = this.#options;
    const { state, ledger } = memory;
    const known = state.pods().find((pod) => pod.taskId === taskId);
    if (known === undefined && (!ledger.has(taskId) || ledger.isTerminal(taskId))) return logger.info('KILL for a task that is not (any more)', { task: taskId });
    const now = clock.now();
    const ownUntil = known === undefined ? {} : { untilMs: now + known.pod.spec.terminationGracePeriodSeconds * 1000 }; // a pod that runs: its grace begins now
    const before = state.order(taskId);
    const order = mergeOrders(before, { ...ownUntil, ...killOrder(killGraceMs(policy) ?? known?.killGraceMs, now) });
    if (order !== before) memory.record({ kind: 'order', taskId, order });
  }
}
