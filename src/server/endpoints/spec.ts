import { hostInfo } from '../../node/index.ts';
import { json } from '../http/answer.ts';
import type { Route } from '../http/router.ts';
import { readMachine } from '../stats/machine.ts';

/** `/spec/`: the machine, by the names of cAdvisor's MachineInfo, as far as somebody reads them. */
export function specRoutes(now: () => number): Route[] {
  const spec = async (): Promise<object> => {
    const [{ cpus, memoryBytes }, info] = await Promise.all([readMachine(now()), hostInfo({ engineVersion: '', version: '' })]);
    return { timestamp: new Date(now()).toISOString(), num_cores: cpus, memory_capacity: memoryBytes, machine_id: info.machineId, system_uuid: info.systemUuid, boot_id: info.bootId };
  };
  return [{ methods: ['GET'], pattern: '/spec/', serve: async () => json(await spec()) }];
}
