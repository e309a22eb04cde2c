import type { TaskInfo } from '../../mesos/index.ts';

/** Whether a task brings a Docker container in place of a Pod: what Marathon sends. */
export function isDockerTask({ data, container }: TaskInfo): boolean {
  return container !== undefined && (data === undefined || data.length === 0);
}
