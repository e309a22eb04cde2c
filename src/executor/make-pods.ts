import type { Clock } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import type { Engine, EngineInfo } from '../docker/index.ts';
import type { MesosEnvironment } from '../mesos/index.ts';
import type { Allocatable } from '../pod/index.ts';
import { networkFault, type PodRuntime, type RuntimeMeasures } from '../runtime/index.ts';
import type { StatusReporter, TaskUpdateDraft } from '../status/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { FormerPod } from './journal-entry.ts';
import type { KubernetesSide } from './kubernetes-side.ts';
import { Launches } from './launches.ts';
import { makeRuntime } from './make-runtime.ts';
import type { Memory } from './memory.ts';
import type { NodeHealth } from './node-health.ts';
import { Tasks } from './tasks.ts';

/** The rooms below, once the Engine has been reached. */
export interface Pods {
  readonly runtime: PodRuntime;
  readonly tasks: Tasks;
  readonly launches: Launches;
  readonly engineInfo: EngineInfo;
}

export interface MakePodsOptions {
  readonly config: ExecutorConfig;
  readonly environment: MesosEnvironment;
  readonly memory: Memory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly engine: Engine;
  readonly engineInfo: EngineInfo;
  readonly measures: RuntimeMeasures;
  readonly reporter: StatusReporter;
  readonly health: NodeHealth;
  readonly kubernetes: () => KubernetesSide | undefined;
  /** What the node has for pods, as far as it is known; and once the agent has told. */
  readonly allocatable: () => Allocatable;
  readonly toldAllocatable: () => Promise<Allocatable>;
  readonly draining: () => boolean;
  readonly update: (update: TaskUpdateDraft) => void;
  /** The API hears of a pod's end, if it has not. Throws code `unavailable`. */
  readonly tellOfEnd: (former: FormerPod) => Promise<void>;
  /** The Engine answers, or does not any more. */
  readonly onEngine: (answers: boolean) => void;
  /** A task is over and forgotten. */
  readonly onForgotten: () => void;
}

/** Wires runtime, tasks and their intake together. */
export async function makePods(options: MakePodsOptions): Promise<Pods> {
  const { config, environment, memory, clock, logger, engine, engineInfo, kubernetes, health, update } = options;
  const { state, ledger } = memory;
  const part = logger.child({ part: 'tasks' });
  const said = (taskId: string): boolean => ledger.hasUpdates(taskId);
  const runtime: PodRuntime = await makeRuntime({
    config,
    environment,
    clock,
    logger,
    engine,
    engineInfo,
    measures: options.measures,
    nodeName: () => state.nodeName ?? engineInfo.name,
    allocatable: options.allocatable,
    events: () => kubernetes()?.events,
    former: () => state.former().map(({ pod }) => pod),
    buried: async ({ uid }) => {
      const former = state.former().find(({ pod }) => pod.uid === uid);
      if (former !== undefined && runtime.get(uid) === undefined) await options.tellOfEnd(former);
      memory.record({ kind: 'buried', uid });
    },
    sources: () => kubernetes()?.sources,
    remember: (uid, note) => memory.note({ ...note, uid }),
    report: (report) => tasks.report(report),
    onNetworkFault: (fault) => health.set('network', fault === undefined ? undefined : networkFault(fault)),
    onHealth: (ok) => {
      options.onEngine(ok);
      health.set('engine', ok ? undefined : 'container runtime is down');
    },
  });
  const tasks = new Tasks({
    clock,
    logger: part,
    launchGraceMs: config.launchGracePeriodMs,
    runtime,
    reporter: options.reporter,
    kubernetes,
    record: (entry) => memory.record(entry),
    update,
    said,
    isBygonePod: (uid) => state.isBygonePod(uid),
    forget: (taskId) => {
      ledger.forget(taskId);
      options.onForgotten();
    },
  });
  const launches = new Launches({
    clock,
    logger: part,
    frameworkId: environment.frameworkId,
    sandbox: environment.sandbox,
    allocatable: options.toldAllocatable,
    allowedUnsafeSysctls: config.allowedUnsafeSysctls,
    tasks,
    draining: options.draining,
    hasRoom: (bytes) => memory.hasRoom(bytes),
    shutdownGraceMs: environment.shutdownGraceMs,
    hasApi: config.kubeconfig !== undefined,
    kubernetes,
    record: (entry) => memory.record(entry),
    accept: (task) => memory.accept(task),
    update,
    said,
    isOver: (taskId) => ledger.isTerminal(taskId),
    isBygone: (taskId) => state.bygone(taskId) !== undefined,
  });
  return { runtime, tasks, launches, engineInfo };
}

/** Takes over what an earlier process of this run has left, as the journal says it and the Engine shows it. */
export function takeUp({ tasks, launches }: Pods, { state, ledger, rebooted }: Memory): void {
  const known = state.pods();
  for (const pod of known) if (pod.unplaced !== true) tasks.adopt(pod);
  for (const pod of known) if (pod.unplaced === true) void launches.resume(pod);
  launches.takeUp(ledger.unacknowledged().tasks.filter(({ task_id }) => !ledger.isTerminal(task_id.value)), state);
  for (const taskId of ledger.over()) if (!tasks.has(taskId)) ledger.forget(taskId); // said its end and died
  if (rebooted) tasks.endNow({ kind: 'reboot', message: 'the machine was booted' });
}
