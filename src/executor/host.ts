import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { EngineInfo } from '../docker/index.ts';
import type { AgentInfo } from '../mesos/index.ts';
import type { NodeCapacity } from '../node/index.ts';
import type { Allocatable } from '../pod/index.ts';

/** Content of a text file of the node; empty when there is none. */
export function textFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** The address by which others reach this node: that of the interface with the default route, else the first one there is. */
export function hostAddress(): string {
  const all = networkInterfaces();
  const route = lines('/proc/net/route').map((line) => line.split('\t')).find(([, destination]) => destination === '00000000');
  const names = [...(route?.[0] === undefined ? [] : [route[0]]), ...Object.keys(all)];
  for (const name of names) {
    const address = all[name]?.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (address !== undefined) return address;
  }
  return '127.0.0.1';
}

/** What the node may give to pods: what the Mesos agent offers, reserved for whomever, else what the Engine's machine has. */
export function capacityOf(agent: AgentInfo, engine: EngineInfo, pods: number): NodeCapacity {
  const scalar = (name: string): number => (agent.resources ?? []).reduce((sum, resource) => sum + (resource.name === name ? (resource.scalar?.value ?? 0) : 0), 0);
  const bytes = (name: string): number => Math.round(scalar(name) * 2 ** 20); // Mesos counts megabytes of 2^20
  return { cpus: scalar('cpus') || engine.cpus, memoryBytes: bytes('mem') || engine.memoryBytes, diskBytes: bytes('disk'), pods };
}

/** The same for the admission of pods; a disk of which the agent says nothing is not looked at. */
export function allocatableOf({ cpus, memoryBytes, diskBytes, pods }: NodeCapacity): Allocatable {
  const disk = diskBytes === 0 ? {} : { ephemeralStorageBytes: BigInt(Math.floor(diskBytes)) };
  return { pods, cpuMilli: BigInt(Math.floor(cpus * 1000 + 1e-6)), memoryBytes: BigInt(Math.floor(memoryBytes)), ...disk };
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
