import { progressAfter } from '../status/index.ts';
import type { Memory } from './memory.ts';
import { saidIn } from './task-report.ts';

/**
 * Writes down how far those tasks are of which the process before had said more than it could write down: it died between the two. What was said is known only until the agent
 * acknowledges it, so this comes before the agent hears of us.
 */
export function catchUp(memory: Pick<Memory, 'state' | 'ledger' | 'record'>): void {
  const { updates } = memory.ledger.unacknowledged();
  for (const { taskId, last } of memory.state.pods()) {
    const known = last ?? { progress: { state: 'starting' }, status: { phase: 'Pending' }, stage: 'syncing', deleted: false, succeededBeforeKill: false };
    const said = updates.filter(({ status }) => status.task_id.value === taskId).map(({ status }) => saidIn(status));
    const progress = progressAfter(known.progress, said);
    if (JSON.stringify(progress) !== JSON.stringify(known.progress)) memory.record({ kind: 'progress', taskId, progress: { ...known, progress } });
  }
}
