import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCode, KmError, systemClock, type Clock } from '../../base/index.ts';
import type { ContentType } from '../../mesos/index.ts';
import { removeRootDirectory } from '../../volumes/index.ts';
import { isTerminal, AgentEmulator, ExecutorRun, type CallEvent, type ExecutorEnd } from '../agent/index.ts';
import { EmbeddedApi, type KubernetesObject } from '../kubernetes-api/index.ts';
import type { Recording } from '../record/index.ts';
import { agentOptionsFor } from './agent-options.ts';
import type { ExecutorContainers } from './docker-containers.ts';
import { compareReplay, type LiveRun, type Verdict } from './compare.ts';
import { ExecutorLog } from './executor-log.ts';
import { planReplay, type Plan } from './plan.ts';
import { play } from './play.ts';
import { podNames, recordedPods } from './recorded-pods.ts';
import { watchAgent, watchApi } from './spectators.ts';
import { Timeline, type TimelineEntry } from './timeline.ts';

/** The executor's root directory in ours. */
const ROOT = 'root';

export interface ReplayOptions {
  readonly recording: Recording;
  /** Encoding that the executor is told to use; the recording's unless told. */
  readonly contentType?: ContentType;
  /** How long the replay waits for any one thing that the executor has to do, milliseconds. */
  readonly timeoutMs: number;
  /** Whether there is a Kubernetes API. */
  readonly kubernetes: boolean;
  /** Keeps the directory with the executor's files. */
  readonly keep: boolean;
  /** Program and first arguments of the executor (`node .../main.ts executor`); our flags follow. */
  readonly executor: readonly string[];
  /** More flags for it, after ours. */
  readonly executorArguments: readonly string[];
  /** Added to the environment that the agent gives it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where to look for what the executor leaves behind. What is found is removed, unless the files are kept. */
  readonly containers: ExecutorContainers;
  /** Told every line of the timeline as it happens. */
  readonly onEntry?: (entry: TimelineEntry) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export interface ReplayReport extends Verdict {
  readonly title: string;
  /** Name and version of the recorded agent. */
  readonly agent: string;
  readonly contentType: ContentType;
  readonly executor: {
    /** Undefined when it had to be ended because the replay stopped early. */
    readonly exitCode: number | null | undefined;
    /** From SHUTDOWN to its exit, milliseconds; undefined without a SHUTDOWN. */
    readonly shutdownMs: number | undefined;
    readonly shutdownGraceMs: number;
  };
  readonly containersLeft: readonly string[] | undefined;
  readonly durationMs: number;
  readonly timeline: readonly TimelineEntry[];
  /** The last lines that the executor wrote. */
  readonly executorLog: readonly string[];
  /** Directory with the executor's files, where it was kept. */
  readonly directory: string | undefined;
}

/**
 * Replays a recording against a fresh executor process below an emulated agent and compares. One at a time on one Docker
 * Engine: recordings share the UIDs and host ports of their pods. Throws code `invalid` when the recording cannot be played and
 * `aborted` when the signal aborts; processes, servers and files are gone then too.
 */
export async function runReplay(options: ReplayOptions): Promise<ReplayReport> {
  const plan = planReplay(options.recording, options.contentType);
  const directory = await mkdtemp(join(tmpdir(), 'km-replay-'));
  try {
    return await new Replay(options, plan, directory).run();
  } finally {
    if (!options.keep) {
      await removeRootDirectory(join(directory, ROOT)); // what is mounted below it must not be deleted
      await rm(directory, { recursive: true, force: true });
    }
  }
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #plan: Plan;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #timeline: Timeline;
  readonly #log = new ExecutorLog();
  readonly #calls: CallEvent[] = [];
  #shutdownAt: number | undefined;

  constructor(options: ReplayOptions, plan: Plan, directory: string) {
    this.#options = options;
    this.#plan = plan;
    this.#directory = directory;
    this.#clock = options.clock ?? systemClock;
    this.#timeline = new Timeline(options.onEntry);
  }

  async run(): Promise<ReplayReport> {
    await using stack = new AsyncDisposableStack();
    const kubeconfig = this.#options.kubernetes ? await this.#startApi(stack) : undefined;
    const agent = await AgentEmulator.start({ ...agentOptionsFor(this.#plan, this.#directory), clock: this.#clock });
    stack.defer(() => agent.close());
    watchAgent(agent, this.#timeline, await podNames(this.#options.recording));
    agent.onCall((call) => this.#calls.push(call));
    agent.onEvent((event, at) => {
      if (event.type === 'SHUTDOWN') this.#shutdownAt ??= at;
    });
    const startedAt = this.#clock.now();
    this.#timeline.start(startedAt);
    const run = await this.#launch(agent, kubeconfig);
    // Interrupted, it gets its grace to take its containers back.
    stack.defer(async () => void (await run.process.stop(this.#plan.shutdownGraceMs)));
    const { end, stopped } = await this.#play(agent, run);
    const endedAt = this.#clock.now();
    const containersLeft = await this.#containersLeft(agent);
    const live: LiveRun = { tasks: agent.tasks, calls: this.#calls, end, stopped, containersLeft };
    return {
      ...compareReplay(this.#plan, live),
      title: this.#plan.header.title,
      agent: this.#plan.header.agent,
      contentType: this.#plan.contentType,
      executor: {
        exitCode: end?.code,
        shutdownMs: this.#shutdownAt === undefined || end === undefined ? undefined : endedAt - this.#shutdownAt,
        shutdownGraceMs: this.#plan.shutdownGraceMs,
      },
      containersLeft,
      durationMs: endedAt - startedAt,
      timeline: this.#timeline.entries,
      executorLog: this.#log.lines,
      directory: this.#options.keep ? this.#directory : undefined,
    };
  }

  /** Starts the API with the recorded pods in it; the kubeconfig's path. */
  async #startApi(stack: AsyncDisposableStack): Promise<string> {
    const api = await EmbeddedApi.start({ clock: this.#clock });
    stack.defer(() => api.stop());
    for (const pod of await recordedPods(this.#options.recording)) api.put(pod as unknown as KubernetesObject);
    watchApi(api, this.#timeline, this.#clock);
    const path = join(this.#directory, 'kubeconfig');
    await writeFile(path, api.kubeconfig(), { mode: 0o600 });
    return path;
  }

  async #launch(agent: AgentEmulator, kubeconfig: string | undefined): Promise<ExecutorRun> {
    const { executor, executorArguments, environment } = this.#options;
    const sandbox = join(this.#directory, 'sandbox');
    await mkdir(sandbox, { recursive: true });
    const flags = {
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      port: '0',
      'healthz-port': '0',
      'root-dir': join(this.#directory, ROOT),
      'pod-logs-dir': join(this.#directory, 'pod-logs'),
      'hostname-override': this.#plan.subscribed.agent_info.hostname,
      'content-type': this.#plan.contentType === 'application/json' ? 'json' : 'protobuf',
    };
    return ExecutorRun.launch({
      agent,
      clock: this.#clock,
      // A laptop may have no registry to ask, and the images that it has will do.
      command: [...executor, ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`), '--offline-images', ...executorArguments],
      sandbox,
      environment,
      stdout: (chunk) => this.#log.write(chunk),
      stderr: (chunk) => this.#log.write(chunk),
    });
  }

  async #play(agent: AgentEmulator, run: ExecutorRun): Promise<Pick<LiveRun, 'end' | 'stopped'>> {
    const { timeoutMs, signal } = this.#options;
    const over = new AbortController();
    let ended: ExecutorEnd | undefined;
    void run.ended.then((end) => {
      ended = end;
      this.#timeline.add('executor', this.#clock.now(), { text: endText(end), tone: end.code === 0 ? 'plain' : 'bad' });
      over.abort();
    });
    const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    try {
      const stopped = await play(this.#plan, agent, { clock: this.#clock, timeoutMs, signal: either });
      if (stopped !== undefined) return await this.#giveUp(run, stopped);
      await this.#settle(agent, either);
      return { end: await this.#awaitEnd(run, signal), stopped: undefined };
    } catch (error) {
      if (isCode(error, 'timeout')) return this.#giveUp(run, error.message);
      if (ended === undefined || signal?.aborted === true) throw error;
      const early = !this.#plan.endsWithShutdown || this.#shutdownAt !== undefined;
      return { end: ended, stopped: early ? undefined : `the executor ended (${endText(ended)}) before the agent told it to shut down` };
    }
  }

  /** A recording that ends without SHUTDOWN leaves it to us, once its tasks have ended as far as they did. */
  async #settle(agent: AgentEmulator, signal: AbortSignal): Promise<void> {
    if (this.#plan.endsWithShutdown || this.#plan.steps.at(-1)?.kind === 'down') return;
    const due = Object.entries(this.#plan.header.expect).filter(([, states]) => states.some(isTerminal)).map(([taskId]) => taskId);
    await agent.waitFor(() => due.every((taskId) => agent.tasks.get(taskId)?.terminal === true), { deadlineMs: this.#options.timeoutMs, signal, what: 'the end of every task' });
    agent.shutdown();
  }

  /** The agent's watch ends it at the end of its grace; an executor without an agent may take as long as any step. */
  async #awaitEnd(run: ExecutorRun, signal: AbortSignal | undefined): Promise<ExecutorEnd> {
    const limit = this.#plan.shutdownGraceMs + this.#options.timeoutMs;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(new KmError('aborted', 'the replay was interrupted'));
    const cancel = this.#clock.after(limit, () => reject(new KmError('timeout', `the executor did not exit within ${limit} ms`)));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([run.ended, aborted]);
    } finally {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #giveUp(run: ExecutorRun, stopped: string): Promise<Pick<LiveRun, 'end' | 'stopped'>> {
    await run.process.stop(this.#plan.shutdownGraceMs);
    return { end: undefined, stopped };
  }

  async #containersLeft({ identity }: AgentEmulator): Promise<readonly string[] | undefined> {
    try {
      const left = await this.#options.containers.list(identity);
      if (left.length > 0 && !this.#options.keep) await this.#options.containers.remove(identity);
      return left;
    } catch (error) {
      if (isCode(error, 'unavailable')) return undefined;
      throw error;
    }
  }
}

function endText({ code, signal, destroyedBy }: ExecutorEnd): string {
  if (destroyedBy !== undefined) return `killed by the agent: ${destroyedBy}`;
  return signal === null ? `exited with ${String(code)}` : `ended by ${signal}`;
}
