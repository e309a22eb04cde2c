import { join } from 'node:path';
import { type Clock, isCode, KmError, messageOf, RepeatingTask } from '../base/index.ts';
import type { ValidPod } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { addNetwork, deleteNetwork } from './call-plugins.ts';
import { capabilityArguments } from './capability-arguments.ts';
import { chooseNetwork } from './choose-network.ts';
import { endPlugins } from './end-plugins.ts';
import { type Attachment, LOOPBACK, POD_INTERFACE } from './invocation.ts';
import { capabilitiesOf, type NetworkList } from './network-list.ts';
import type { PodNetwork, SandboxToAttach } from './pod-network.ts';
import { Namespaces } from './namespaces.ts';
import { type NetworkRecord, NetworkRecords } from './records.ts';
import { addressesOf } from './result.ts';

/** How often the files of networks are looked at, milliseconds (Kubernetes v1.20 pkg/kubelet/dockershim/network/cni/cni.go defaultSyncConfigPeriod). */
const LOOK_EVERY_MS = 5000;

export interface CniNetworkOptions {
  /** Where networks are; absent: no new sandbox gets one. */
  readonly confDir: string | undefined;
  readonly binDirs: readonly string[];
  /** Where the records of this executor are, and the namespaces it holds. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `fault` has changed. */
  readonly onFault: (fault: string | undefined) => void;
}

/**
 * Networks of pods by CNI plugins. What a plugin may have done is on the disk before it begins and until DEL has succeeded.
 *
 * Between awaits: of one sandbox at most one attach or detach is under way (`#last`); a sandbox with a record of state `added` has its addresses.
 */
export class CniNetwork implements PodNetwork {
  readonly #options: CniNetworkOptions;
  readonly #records: NetworkRecords;
  readonly #namespaces: Namespaces;
  readonly #last = new Map<string, Promise<unknown>>();
  /** Sandboxes whose ADD this process has begun itself. */
  readonly #own = new Set<string>();
  readonly #looker: RepeatingTask;
  /** The last one that could be used: it stays when its file goes, as the kubelet has it. */
  #network: NetworkList | undefined;
  #podCidr: string | undefined;
  #fault: string | undefined;
  #unusable = '';

  private constructor(options: CniNetworkOptions, records: NetworkRecords, namespaces: Namespaces) {
    const { clock, logger } = options;
    this.#options = options;
    this.#namespaces = namespaces;
    this.#fault = this.#judged();
    this.#records = records;
    this.#looker = new RepeatingTask({
      clock,
      intervalMs: LOOK_EVERY_MS,
      run: () => this.#look(options.confDir ?? ''),
      onError: (error) => logger.warn('networks cannot be looked at', { error: messageOf(error) }),
    });
  }

  /** Reads the records of earlier processes and looks for a network. Throws code `internal` when the records cannot be read. */
  static async open(options: CniNetworkOptions): Promise<CniNetwork> {
    const records = await NetworkRecords.open(join(options.stateDir, 'records'), options.logger);
    const namespaces = new Namespaces(join(options.stateDir, 'netns'));
    for (const sandboxId of await namespaces.held()) if (records.get(sandboxId) === undefined) await namespaces.release(sandboxId);
    const network = new CniNetwork(options, records, namespaces);
    if (options.confDir === undefined) return network;
    await network.#look(options.confDir).catch((error: unknown) => options.logger.warn('networks cannot be looked at', { error: messageOf(error) }));
    options.onFault(network.#fault);
    network.#looker.start();
    return network;
  }

  get joins(): boolean {
    return this.#options.confDir !== undefined;
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  setPodCidr(cidr: string): void {
    if (this.#podCidr !== undefined) return; // a network that is in use does not change its range
    this.#podCidr = cidr;
    this.#judge();
  }

  addresses(sandboxId: string): readonly string[] {
    return this.#records.get(sandboxId)?.ips ?? [];
  }

  attach(sandbox: SandboxToAttach, signal: AbortSignal): Promise<readonly string[]> {
    return this.#serially(sandbox.sandboxId, () => this.#attach(sandbox, signal));
  }

  detach(sandboxId: string): Promise<void> {
    return this.#serially(sandboxId, () => this.#detach(sandboxId));
  }

  async release(uid: string): Promise<void> {
    const failures: unknown[] = [];
    for (const { sandboxId } of this.sandboxes().filter((one) => one.uid === uid)) await this.detach(sandboxId).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  sandboxes(): readonly Attachment[] {
    return this.#records.all().map(({ attachment }) => attachment);
  }

  async stop(): Promise<void> {
    await this.#looker.stop();
    await Promise.allSettled(this.#last.values());
  }

  async #attach({ sandboxId, pid, pod }: SandboxToAttach, signal: AbortSignal): Promise<readonly string[]> {
    const { name, namespace, uid } = pod.metadata;
    const known = this.#records.get(sandboxId);
    if (known?.state === 'added') return known.ips;
    const network = this.#usable();
    const record: NetworkRecord = { version: 1, state: 'adding', attachment: { sandboxId, name, namespace, uid }, network, binDirs: this.#options.binDirs, given: this.#given(pod), ips: [] };
    await this.#records.put(record);
    this.#own.add(sandboxId);
    try {
      const call = { ...record, netns: await this.#namespaces.hold(sandboxId, pid), signal };
      await addNetwork({ ...call, network: LOOPBACK, interfaceName: 'lo', given: {} });
      const result = await addNetwork({ ...call, interfaceName: POD_INTERFACE });
      const ips = addressesOf(result);
      if (ips.length === 0) throw new KmError('internal', `network ${network.name} gave the pod no address`);
      await this.#records.put({ ...record, state: 'added', result, ips });
      return ips;
    } catch (error) {
      await this.#detach(sandboxId).catch((left: unknown) => {
        this.#options.logger.warn('what a failed network plugin has left is not taken back yet', { pod: name, error: messageOf(left) });
      });
      if (isCode(error, 'aborted')) throw error;
      throw new KmError('internal', `networkPlugin cni failed to set up pod ${JSON.stringify(`${name}_${namespace}`)} network: ${messageOf(error)}`, { cause: error });
    }
  }

  async #detach(sandboxId: string): Promise<void> {
    const record = this.#records.get(sandboxId);
    if (record === undefined) return;
    const { attachment, network, binDirs, given, result, state } = record;
    // An ADD of a process that died may still be going on.
    if (state === 'adding' && !this.#own.has(sandboxId)) await endPlugins(sandboxId);
    try {
      // Not the loopback's: what it holds goes with the namespace.
      await deleteNetwork({ network, attachment, binDirs, given, interfaceName: POD_INTERFACE, netns: await this.#namespaces.find(sandboxId) }, result);
    } catch (error) {
      const pod = `${attachment.name}_${attachment.namespace}`;
      throw new KmError('internal', `networkPlugin cni failed to teardown pod ${JSON.stringify(pod)} network: ${messageOf(error)}`, { cause: error });
    }
    await this.#namespaces.release(sandboxId);
    await this.#records.remove(sandboxId);
    this.#own.delete(sandboxId);
  }

  #usable(): NetworkList {
    if (this.#network === undefined || this.#fault !== undefined) throw new KmError('unavailable', this.#fault ?? 'there is no network');
    return this.#network;
  }

  #given(pod: ValidPod): NetworkRecord['given'] {
    return { ...capabilityArguments(pod), ...(this.#podCidr !== undefined && { ipRanges: [[{ subnet: this.#podCidr }]] }) };
  }

  async #look(confDir: string): Promise<void> {
    const { binDirs, logger } = this.#options;
    const { network, unusable } = await chooseNetwork(confDir, binDirs, this.#network);
    const told = JSON.stringify(unusable);
    if (told !== this.#unusable) for (const { path, why } of unusable) logger.warn('a file of networks cannot be used', { path, error: why });
    this.#unusable = told;
    if (network !== undefined && network !== this.#network) logger.info('network of pods', { network: network.name, plugins: network.plugins.map(({ type }) => type).join(',') });
    this.#network = network ?? this.#network;
    this.#judge();
  }

  #judge(): void {
    const fault = this.#judged();
    if (fault === this.#fault) return;
    this.#fault = fault;
    this.#options.onFault(fault);
  }

  #judged(): string | undefined {
    if (!this.joins) return undefined;
    if (this.#network === undefined) return 'cni config uninitialized';
    if (capabilitiesOf(this.#network).has('ipRanges') && this.#podCidr === undefined) return 'cni config needs ipRanges but no PodCIDR set';
    return undefined;
  }

  async #serially<T>(sandboxId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(sandboxId) ?? Promise.resolve();
    const own = before.then(work, work);
    this.#last.set(sandboxId, own);
    try {
      return await own;
    } finally {
      if (this.#last.get(sandboxId) === own) this.#last.delete(sandboxId);
    }
  }
}
