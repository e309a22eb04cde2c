import { Backoff, isCode, KmError, messageOf, RepeatingTask, sleep, TimeLimit, type Clock } from '../base/index.ts';
import type { EventRecorder, KubernetesClient, NamedResource } from '../kubernetes/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { NodeLease } from './node-lease.ts';
import { missingLabels, nodeObject, nodeStatus, statusDiffers, type Node, type NodeCapacity, type NodeFacts, type Readiness } from './node-object.ts';

export interface NodeReporterOptions {
  readonly client: KubernetesClient;
  readonly facts: NodeFacts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False: somebody else makes the Node object, we only keep its status. True unless told. */
  readonly register?: boolean;
  /** Milliseconds between looks at the node; 10 s unless told. */
  readonly statusEveryMs?: number;
  /** For the node's own events (`Starting`, `NodeReady`, `NodeNotReady`). */
  readonly events?: EventRecorder;
  /** The cluster has given the node this range for its pods (`spec.podCIDR`); told at each look. */
  readonly onPodCidr?: (cidr: string) => void;
}

/** Kubelet's defaults (v1.20 pkg/kubelet/apis/config/v1beta1/defaults.go), milliseconds. */
const STATUS_EVERY_MS = 10_000;
const REPORT_EVERY_MS = 300_000;
const RENEW_EVERY_MS = 10_000;
const REGISTRATION = { initialMs: 100, maxMs: 7_000 };
const TIMEOUT_MS = 10_000;
/** An API that asks to be left alone is, but no longer: half of the time after which a node counts as lost. */
const LONGEST_HOLD_MS = 20_000;
/** Longest farewell: it may not hold up the end. */
const FAREWELL_MS = 2_000;

/**
 * Registers the node and keeps its status and lease fresh until `stop`.
 *
 * The node is looked at every 10 s (a read from the server's cache); it is written when it differs from what it should be, else
 * every 5 minutes. A failure is logged when it begins and when it is over.
 */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly #lease: NodeLease;
  readonly #status: RepeatingTask;
  readonly #renewal: RepeatingTask;
  #facts: NodeFacts;
  #readiness: Readiness = { ok: true };
  /** UID of the node in the API; absent until it is known to be registered. */
  #uid: string | undefined;
  #reportedAt = -Infinity;
  #ailing = false;
  #lastReady: boolean | undefined;
  #started = false;
  #stopped = false;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
    this.#facts = options.facts;
    this.#lease = new NodeLease(options.client, options.facts.name);
    const { clock } = options;
    this.#status = new RepeatingTask({ clock, intervalMs: options.statusEveryMs ?? STATUS_EVERY_MS, longestHoldMs: LONGEST_HOLD_MS, run: (signal) => this.#keepStatus(signal), onError: (error) => this.#failed(error) });
    this.#renewal = new RepeatingTask({
      clock,
      intervalMs: () => RENEW_EVERY_MS * (1 - 0.04 * Math.random()),
      longestHoldMs: LONGEST_HOLD_MS,
      run: async (signal) => {
        if (this.#uid !== undefined) await this.#lease.renew(clock.now(), this.#uid, signal);
      },
      onError: (error) => this.#options.logger.debug('node lease not renewed', { error: messageOf(error) }),
    });
  }

  start(): void {
    this.#options.events?.event({ node: this.#facts.name }, 'Normal', 'Starting', 'Starting kubelet.');
    this.#started = true;
    this.#status.wake();
  }

  /** Whether pods can run here; `message` is shown to the user. Ready until told otherwise. */
  ready(ok: boolean, message = 'the executor is not ready'): void {
    this.#readiness = ok ? { ok } : { ok, reason: 'KubeletNotReady', message };
    if (this.#started) this.#status.wake();
  }

  /** The node's API listens there. */
  setKubeletPort(port: number): void {
    this.#facts = { ...this.#facts, kubeletPort: port };
    if (this.#started) this.#status.wake();
  }

  /** The agent's resources have changed. */
  setCapacity(capacity: NodeCapacity): void {
    this.#facts = { ...this.#facts, capacity };
    if (this.#started) this.#status.wake();
  }

  /**
   * Ends, and says so on the node, if that is done within `ms`: `Ready` becomes `False` at once. A kubelet says nothing and its node is `Unknown` after
   * 40 s; but an executor that ends takes its pods with it, and nobody needs to wait for that. Without time nothing is said: the node may be another
   * executor's too. A worker that will be back (restart, crash) must not call this.
   */
  async stop(ms = FAREWELL_MS): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await Promise.all([this.#status.stop(), this.#renewal.stop()]);
    if (this.#uid === undefined || ms <= 0) return;
    const { clock, logger } = this.#options;
    using limit = new TimeLimit({ clock, ms: Math.min(ms, FAREWELL_MS), sources: [], late: () => new KmError('timeout', 'no time is left for it') });
    try {
      await this.#sayFarewell(this.#uid, limit.signal);
    } catch (error) {
      logger.debug('node not marked as gone', { error: messageOf(error) });
    }
  }

  async #sayFarewell(uid: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const node = await client.get<Node>(this.#self(), { signal });
    if (node.metadata?.uid !== uid) return;
    const gone: Readiness = { ok: false, reason: 'ExecutorTerminated', message: 'the Mesos executor of this node has ended' };
    const { conditions } = nodeStatus(this.#facts, gone, clock.now(), node.status?.conditions);
    await client.patch(this.#self(), 'strategic', { status: { conditions } }, { subresource: 'status', signal });
  }

  async #keepStatus(signal: AbortSignal): Promise<void> {
    const node = (await this.#standing(signal)) ?? (await this.#register(signal));
    if (node === undefined) return;
    const { podCIDR = '' } = node.spec ?? {};
    if (podCIDR !== '') this.#options.onPodCidr?.(podCIDR);
    await this.#adopt(node, signal);
    await this.#report(node, signal);
    if (this.#ailing) this.#options.logger.info('node status is reported again');
    this.#ailing = false;
  }

  /** The node in the API, unless it is not known to be there. */
  async #standing(signal: AbortSignal): Promise<Node | undefined> {
    try {
      // Before the first write the cache may be older than a node that was deleted: ask for the newest then.
      const cached = this.#uid === undefined ? {} : { resourceVersion: '0' };
      return await this.#options.client.get<Node>(this.#self(), { signal, timeoutMs: TIMEOUT_MS, ...cached });
    } catch (error) {
      if (!isCode(error, 'not-found')) throw error;
      this.#uid = undefined;
      return undefined;
    }
  }

  /** Creates the node, trying on until it is there (or somebody else made it: then the next look adopts it). */
  async #register(signal: AbortSignal): Promise<Node | undefined> {
    const { client, clock, logger, register = true } = this.#options;
    if (!register) throw new Error(`there is no node ${this.#facts.name}, and it is not ours to register`);
    const backoff = new Backoff(REGISTRATION);
    for (;;) {
      try {
        const node = await client.create<Node>({ apiVersion: 'v1', resource: 'nodes' }, nodeObject(this.#facts, this.#readiness, clock.now()), { signal, timeoutMs: TIMEOUT_MS });
        logger.info('node registered', { node: this.#facts.name });
        this.#reportedAt = clock.now();
        return node;
      } catch (error) {
        if (isCode(error, 'conflict')) return client.get<Node>(this.#self(), { signal, timeoutMs: TIMEOUT_MS });
        if (signal.aborted) throw error;
        this.#failed(error);
        await sleep(clock, backoff.next(error), signal);
      }
    }
  }

  /** Labels that are ours become as we want them; the lease goes on from here. */
  async #adopt(node: Node, signal: AbortSignal): Promise<void> {
    const labels = missingLabels(node, this.#facts);
    if (labels !== undefined) await this.#options.client.patch(this.#self(), 'strategic', { metadata: { labels } }, { signal, timeoutMs: TIMEOUT_MS });
    if (this.#uid === node.metadata?.uid) return;
    this.#uid = node.metadata?.uid;
    this.#renewal.wake();
  }

  async #report(node: Node, signal: AbortSignal): Promise<void> {
    const { client, clock, events } = this.#options;
    const now = clock.now();
    const wanted = nodeStatus(this.#facts, this.#readiness, now, node.status?.conditions);
    if (statusDiffers(node.status, wanted) || now - this.#reportedAt >= REPORT_EVERY_MS) {
      await client.patch(this.#self(), 'strategic', { status: wanted }, { subresource: 'status', signal, timeoutMs: TIMEOUT_MS });
      this.#reportedAt = now;
    }
    const ok = wanted.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    if (this.#lastReady !== ok) {
      const reason = ok ? 'NodeReady' : 'NodeNotReady';
      events?.event({ node: this.#facts.name }, 'Normal', reason, `Node ${this.#facts.name} status is now: ${reason}`);
    }
    this.#lastReady = ok;
  }

  #failed(error: unknown): void {
    if (!this.#ailing) this.#options.logger.warn('node status cannot be reported', { error: messageOf(error) });
    this.#ailing = true;
  }

  #self(): NamedResource {
    return { apiVersion: 'v1', resource: 'nodes', name: this.#facts.name };
  }
}
