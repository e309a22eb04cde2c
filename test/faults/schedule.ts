/** What happens in one run: data, the same for the same seed. */
import { KINDS, type KindName } from './kinds.ts';
import { pick, type Random, randomOf, weighted, whole } from './random.ts';

export type Step =
  | { readonly do: 'launch'; readonly kind: KindName; readonly name: string; /** Bound to the node in the API already. */ readonly bound: boolean; readonly twice?: true }
  | { readonly do: 'launch-group'; readonly kinds: readonly [KindName, KindName]; readonly names: readonly [string, string] }
  | { readonly do: 'kill'; readonly of: number; readonly graceMs?: number }
  | { readonly do: 'delete'; readonly of: number; readonly graceSeconds?: number }
  | { readonly do: 'replace'; readonly of: number; readonly kind: KindName }
  | { readonly do: 'crash' }
  /** A new worker takes over, as in an upgrade. */
  | { readonly do: 'restart' }
  | { readonly do: 'crash-all'; /** Of the pod for which the agent starts the next executor. */ readonly name: string }
  | { readonly do: 'agent-restart'; readonly ms: number; readonly notFound: number; readonly recoveringMs: number; readonly updatesRefusedMs: number; readonly withCrash: boolean }
  | { readonly do: 'agent-disconnect' }
  | { readonly do: 'agent-faults'; readonly fault: AgentFault; readonly times: number }
  | { readonly do: 'engine-down'; readonly ms: number }
  | { readonly do: 'engine-cut' }
  | { readonly do: 'engine-restart'; readonly ms: number; readonly liveRestore: boolean }
  | { readonly do: 'engine-faults'; readonly fault: EngineFault; readonly call: string; readonly times: number }
  | { readonly do: 'take-away'; readonly of: number; readonly how: 'kill' | 'remove'; readonly sandbox: boolean }
  | { readonly do: 'api-down'; readonly ms: number }
  | { readonly do: 'api-faults'; readonly fault: ApiFault; readonly times: number }
  | { readonly do: 'api-watches'; readonly how: 'cut' | 'silence' }
  | { readonly do: 'api-backup' }
  | { readonly do: 'api-restore' }
  /** Not a byte is left on the disk of the executor's own files, until `disk-free` or `heal`. */
  | { readonly do: 'disk-full' }
  | { readonly do: 'disk-free' }
  | { readonly do: 'heal' }
  | { readonly do: 'wait'; readonly ms: number };

export type AgentFault = 'reset-before' | 'reset-after' | '503' | 'hang' | 'delay';
export type EngineFault = 'reset-before' | 'reset-after' | 'cut' | '500' | 'full' | 'hang' | 'delay';
export type ApiFault = 'reset-before' | 'reset-after' | '409' | '429' | '500' | '503' | 'hang' | 'delay';

export interface Schedule {
  readonly seed: number;
  readonly kubernetes: boolean;
  readonly contentType: 'protobuf' | 'json';
  /** The executor's own files are on a disk that can be full. */
  readonly smallDisk: boolean;
  /** The executor is in a cgroup of its own, and so are its pods. */
  readonly contained: boolean;
  readonly steps: readonly Step[];
  /** At the end the executor is shut down with its pods, instead of behind them. */
  readonly endsInShutdown: boolean;
}

const SERVERS: readonly KindName[] = ['server', 'stubborn', 'ready', 'pair', 'staged', 'memory'];
const ALL = (Object.keys(KINDS) as KindName[]).filter((kind) => !('undrawn' in KINDS[kind]));
/** Calls of the Engine by their last part; `delete` is a removal. */
const CALLS = ['create', 'start', 'stop', 'json', 'kill', 'delete', 'events', 'exec'] as const;

export function scheduleOf(seed: number, real: boolean): Schedule {
  const random = randomOf(seed);
  const kubernetes = random() < 0.75;
  const contentType = random() < 0.8 ? 'protobuf' : 'json';
  const names = { next: 0 };
  const steps: Step[] = [launch(random, names, SERVERS), launch(random, names, ALL)];
  const count = whole(random, 6, 14);
  let crashes = 0;
  let groups = 0;
  let backups = 0;
  while (steps.length < count) {
    const step = another(random, names, { kubernetes, real, backups });
    // A supervisor waits longer and longer for a worker that dies again and again.
    if (step.do === 'crash' && ++crashes > 3) continue;
    if (step.do === 'crash-all' && ++groups > 1) continue;
    if (step.do === 'api-backup') backups++;
    steps.push(step, { do: 'wait', ms: Math.round(random() ** 2 * 600) });
    if (breaksForLong(step)) steps.push({ do: 'wait', ms: whole(random, 50, 1500) }, { do: 'heal' });
  }
  const smallDisk = fillDisks(randomOf(seed ^ 0xf0111), steps);
  const contained = randomOf(seed ^ 0xc6409)() < 0.25;
  return { seed, kubernetes, contentType, smallDisk, contained, steps, endsInShutdown: random() < 0.25 };
}

/** Puts full disks among the steps, by a chance of their own: what else a seed does stays what it was. True when it is also that of the executor. */
function fillDisks(random: Random, steps: Step[]): boolean {
  const engine = random() < 0.15;
  const own = random() < 0.2;
  if (engine) steps.splice(whole(random, 0, steps.length), 0, { do: 'engine-faults', fault: 'full', call: pick(random, ['create', 'start'] as const), times: whole(random, 1, 4) });
  if (!own) return false;
  const from = whole(random, 0, steps.length);
  steps.splice(from, 0, { do: 'disk-full' });
  steps.splice(whole(random, from + 1, Math.min(steps.length, from + 8)), 0, { do: 'wait', ms: whole(random, 0, 1000) }, { do: 'disk-free' });
  return true;
}

function breaksForLong(step: Step): boolean {
  return step.do === 'api-watches' || ('fault' in step && step.fault === 'hang');
}

interface Situation {
  readonly kubernetes: boolean;
  readonly real: boolean;
  readonly backups: number;
}

function another(random: Random, names: { next: number }, { kubernetes, real, backups }: Situation): Step {
  const of = whole(random, 0, Math.max(0, names.next - 1));
  const ms = whole(random, 10, 1200);
  const times = whole(random, 1, 4);
  const api = kubernetes ? 1 : 0;
  const make = weighted<() => Step>(random, [
    [6, () => launch(random, names, ALL)],
    [2, () => ({ do: 'launch-group', kinds: [pick(random, ALL), pick(random, SERVERS)], names: [`pod-${names.next++}`, `pod-${names.next++}`] })],
    [3, () => ({ do: 'kill', of, ...(random() < 0.4 && { graceMs: whole(random, 0, 1500) }) })],
    [3 * api, () => ({ do: 'delete', of, ...(random() < 0.5 && { graceSeconds: whole(random, 0, 2) }) })],
    [api, () => ({ do: 'replace', of, kind: pick(random, SERVERS) })],
    [5, () => ({ do: 'crash' })],
    [1, () => ({ do: 'restart' })],
    [0.7, () => ({ do: 'crash-all', name: `pod-${names.next++}` })],
    [1.5, () => ({ do: 'agent-restart', ms, notFound: whole(random, 0, 2), recoveringMs: whole(random, 0, 400), updatesRefusedMs: whole(random, 0, 800), withCrash: random() < 0.3 })],
    [1, () => ({ do: 'agent-disconnect' })],
    [1.5, () => ({ do: 'agent-faults', fault: pick(random, ['reset-before', 'reset-after', '503', 'hang', 'delay'] as const), times })],
    [1.5, () => ({ do: 'engine-down', ms })],
    [1, () => ({ do: 'engine-cut' })],
    [real ? 0 : 1, () => ({ do: 'engine-restart', ms, liveRestore: random() < 0.5 })],
    [3, () => ({ do: 'engine-faults', fault: pick(random, ['reset-before', 'reset-after', 'cut', '500', 'hang', 'delay'] as const), call: pick(random, CALLS), times })],
    [1, () => ({ do: 'take-away', of, how: pick(random, ['kill', 'remove'] as const), sandbox: random() < 0.4 })],
    [api, () => ({ do: 'api-down', ms: ms * 2 })],
    [3 * api, () => ({ do: 'api-faults', fault: pick(random, ['reset-before', 'reset-after', '409', '429', '500', '503', 'hang', 'delay'] as const), times: times * 2 })],
    [api, () => ({ do: 'api-watches', how: pick(random, ['cut', 'silence'] as const) })],
    [api * (backups === 0 ? 0.7 : 0), () => ({ do: 'api-backup' })],
    [api * (backups > 0 ? 1.5 : 0), () => ({ do: 'api-restore' })],
  ]);
  return make();
}

function launch(random: Random, names: { next: number }, kinds: readonly KindName[]): Step {
  return { do: 'launch', kind: pick(random, kinds), name: `pod-${names.next++}`, bound: random() < 0.5, ...(random() < 0.1 && { twice: true as const }) };
}
