import { type Clock, sleep } from '../../base/index.ts';
import type { Engine, InspectedContainer } from '../../docker/index.ts';
import type { ObservedContainer } from '../../pod/index.ts';
import type { AllPods } from '../endpoints/all-pods.ts';
import type { NodePod } from '../containers/node-pods.ts';
import { cgroupsOf, readCgroup, type CgroupFolders } from './cgroup.ts';
import { interfacesOf, readMachine, type Machine } from './machine.ts';
import type { CgroupSample, InterfaceSample } from './samples.ts';

/** Who asks again so soon gets the same samples, milliseconds; also the shortest time over which a rate is taken. */
const FRESH_MS = 2_000;
/** A sample older than this tells nothing of the rate at this time, milliseconds. */
const STALE_MS = 120_000;
/** Where there is no older sample: how long to wait for a second one, milliseconds. */
const WINDOW_MS = 250;

/** One container as counted. */
export interface ContainerSample {
  readonly container: ObservedContainer;
  /** Docker's name. */
  readonly name: string;
  /** Path of its cgroup. */
  readonly path: string;
  readonly sample: CgroupSample;
  /** Billionths of a core, over the last moments. */
  readonly nanoCores: number;
  readonly logPath: string;
  readonly writableLayer?: string;
  /** Of its network namespace; on sandboxes that have one of their own. */
  readonly interfaces: readonly InterfaceSample[];
}

export interface PodSample {
  readonly pod: NodePod['pod'];
  readonly status: NodePod['status'];
  readonly sandbox: ContainerSample | undefined;
  readonly containers: readonly ContainerSample[];
}

export interface NodeSample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly machine: Machine;
  readonly nanoCores: number;
  readonly interfaces: readonly InterfaceSample[];
  readonly pods: readonly PodSample[];
}

interface Known {
  readonly inspected: InspectedContainer;
  readonly cgroups: CgroupFolders;
}

/**
 * Counts what the machine and its containers use, when somebody asks and only then. A rate is taken over the time since somebody asked
 * last, or over a quarter of a second.
 *
 * Between awaits: `#known` and `#before` hold nothing of containers that no sample since has seen running.
 */
export class Sampler {
  readonly #engine: Engine;
  readonly #pods: AllPods;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  /** Samples from which rates are taken, by container id; the machine's by ''. */
  #before = new Map<string, CgroupSample>();
  #latest: { readonly at: number; readonly sample: Promise<NodeSample> } | undefined;

  constructor(options: { engine: Engine; pods: AllPods; clock: Clock }) {
    this.#engine = options.engine;
    this.#pods = options.pods;
    this.#clock = options.clock;
  }

  /** All that there is to count, at most two seconds old. What cannot be read is left out. */
  sample(): Promise<NodeSample> {
    const now = this.#clock.now();
    if (this.#latest !== undefined && now - this.#latest.at < FRESH_MS) return this.#latest.sample;
    const sample = this.#take();
    this.#latest = { at: now, sample };
    sample.catch(() => (this.#latest = undefined));
    return sample;
  }

  async #take(): Promise<NodeSample> {
    const pods = this.#pods.all();
    const running = (list: readonly ObservedContainer[]): ObservedContainer[] => list.filter(({ state }) => state === 'running');
    const wanted = pods.flatMap(({ observed }) => [...running(observed.sandboxes), ...running(observed.containers)]);
    await Promise.all(wanted.map(({ id }) => this.#learn(id)));
    for (const id of [...this.#known.keys()]) if (!wanted.some((one) => one.id === id)) this.#known.delete(id);
    const now = this.#clock.now();
    let counted = await this.#count();
    const lacking = [...counted.samples.keys()].some((id) => now - (this.#before.get(id)?.at ?? -Infinity) > STALE_MS);
    if (lacking) {
      this.#before = new Map([...counted.samples].map(([id, sample]) => [id, this.#fresh(id, now) ?? sample]));
      await sleep(this.#clock, WINDOW_MS);
      counted = await this.#count();
    }
    const { machine, samples } = counted;
    const nanoCores = (id: string): number => rate(this.#before.get(id), samples.get(id));
    const sampleOf = async (container: ObservedContainer): Promise<ContainerSample[]> => {
      const [known, sample] = [this.#known.get(container.id), samples.get(container.id)];
      if (known === undefined || sample === undefined) return [];
      const { name, logPath, writableLayer, pid } = known.inspected;
      const interfaces = container.kind === 'sandbox' && container.hostNetwork !== true ? await interfacesOf(pid) : [];
      return [{ container, name, path: known.cgroups.path, sample, nanoCores: nanoCores(container.id), logPath, interfaces, ...(writableLayer !== undefined && { writableLayer }) }];
    };
    const result: NodeSample = {
      at: machine.sample.at,
      machine,
      nanoCores: nanoCores(''),
      interfaces: await interfacesOf('self'),
      pods: await Promise.all(
        pods.map(async ({ pod, status, observed }) => ({
          pod,
          status,
          sandbox: (await Promise.all(running(observed.sandboxes).map(sampleOf))).flat()[0],
          containers: (await Promise.all(running(observed.containers).map(sampleOf))).flat(),
        })),
      ),
    };
    this.#before = new Map(samples);
    return result;
  }

  #fresh(id: string, now: number): CgroupSample | undefined {
    const sample = this.#before.get(id);
    return sample !== undefined && now - sample.at <= STALE_MS ? sample : undefined;
  }

  /** Where a container counts: looked up once, as a container that runs stays where it is. */
  async #learn(id: string): Promise<void> {
    if (this.#known.has(id)) return;
    const inspected = await this.#engine.inspect(id).catch(() => undefined);
    if (inspected === undefined || inspected.pid === 0) return;
    const cgroups = await cgroupsOf(inspected.pid);
    if (cgroups !== undefined) this.#known.set(id, { inspected, cgroups });
  }

  async #count(): Promise<{ readonly machine: Machine; readonly samples: ReadonlyMap<string, CgroupSample> }> {
    const at = this.#clock.now();
    const [machine, ...found] = await Promise.all([readMachine(at), ...[...this.#known].map(async ([id, { cgroups }]) => ({ id, sample: await readCgroup(cgroups, at) }))]);
    const samples = new Map([['', machine.sample]]);
    for (const { id, sample } of found) if (sample !== undefined) samples.set(id, sample);
    return { machine, samples };
  }
}

/** Billionths of a core between two samples. */
export function rate(before: CgroupSample | undefined, now: CgroupSample | undefined): number {
  if (before === undefined || now === undefined || now.at <= before.at) return 0;
  return Math.max(0, Math.round(((now.cpu.usageNs - before.cpu.usageNs) / (now.at - before.at)) * 1000));
}
