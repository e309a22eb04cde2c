/** The pods of the random schedules, and what must become of each. */
import { randomUUID } from 'node:crypto';
import type { Pod, PodSpec } from '../../src/pod/index.ts';
import { busybox, pod, shell } from '../support/executor-under-test.ts';
import type { Random } from './random.ts';

export interface Kind {
  readonly make: (random: Random) => { readonly container: Parameters<typeof pod>[0]; readonly spec?: Partial<PodSpec> };
  /** How its task ends by itself; absent: it runs until it is told to end. */
  readonly ends?: 'TASK_FINISHED' | 'TASK_FAILED' | 'TASK_ERROR';
  /** Containers that nobody may restart. */
  readonly innocent: readonly string[];
  /** None of its containers may ever run. */
  readonly refused?: true;
  /** Never gets to TASK_RUNNING. */
  readonly stuck?: true;
  /** A container writes into a volume, and fails when it cannot, or has done so before. */
  readonly writes?: true;
  /** Only for a scenario: no schedule draws it. */
  readonly undrawn?: true;
  /** Its task brings the first container as Mesos' own, in place of a Pod. */
  readonly docker?: true;
}

const never = { restartPolicy: 'Never' } as const;
const TRAP = "trap 'exit 143' TERM; sleep 86400 & wait";
const shared = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] };
const volumes = [{ name: 'shared', emptyDir: {} }];
/** In the pod's own volume: a container that was started twice says so itself. */
const ONCE = 'echo x >>/shared/starts; [ $(wc -l </shared/starts) = 1 ] || exit 99;';
const seconds = (random: Random, most: number): string => (random() * most).toFixed(2);

export const KINDS = {
  server: { make: () => ({ container: shell(TRAP) }), innocent: ['main'] },
  /** A bit of everything; needs the ConfigMap `settings` in the API. */
  whole: {
    make: () => ({
      container: {
        ...shell(TRAP), readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 }, lifecycle: { preStop: { exec: { command: ['true'] } } },
        volumeMounts: [{ name: 'shared', mountPath: '/shared' }, { name: 'settings', mountPath: '/settings' }],
      },
      spec: { volumes: [...volumes, { name: 'settings', configMap: { name: 'settings' } }], initContainers: [busybox({ name: 'one', ...shell(`${ONCE} exit 0`, shared) })] },
    }),
    innocent: ['main', 'one'],
    writes: true,
    undrawn: true,
  },
  stubborn: { make: () => ({ container: shell("trap '' TERM; sleep 86400"), spec: { terminationGracePeriodSeconds: 1 } }), innocent: ['main'] },
  ready: { make: () => ({ container: { ...shell(TRAP), readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } } }), innocent: ['main'] },
  pair: { make: () => ({ container: shell(TRAP), spec: { containers: [busybox(shell(TRAP)), busybox({ name: 'side', ...shell(TRAP) })] } }), innocent: ['main', 'side'] },
  job: { make: (random) => ({ container: shell(`${ONCE} sleep ${seconds(random, 1.5)}; exit 0`, shared), spec: { ...never, volumes } }), ends: 'TASK_FINISHED', innocent: ['main'], writes: true },
  failing: { make: (random) => ({ container: shell(`${ONCE} sleep ${seconds(random, 0.5)}; exit 7`, shared), spec: { ...never, volumes } }), ends: 'TASK_FAILED', innocent: ['main'], writes: true },
  staged: {
    make: (random) => ({
      container: shell(TRAP),
      spec: { volumes, initContainers: [busybox({ name: 'one', ...shell(`${ONCE} sleep ${seconds(random, 0.4)}; exit 0`, shared) }), busybox({ name: 'two', ...shell('exit 0') })] },
    }),
    innocent: ['main', 'one', 'two'],
    writes: true,
  },
  memory: { make: () => ({ container: shell(TRAP, shared), spec: { volumes: [{ name: 'shared', emptyDir: { medium: 'Memory' } }] } }), innocent: ['main'] },
  crashing: { make: (random) => ({ container: shell(`sleep ${seconds(random, 0.3)}; exit 1`) }), innocent: [] },
  invalid: { make: () => ({ container: { image: '' } }), ends: 'TASK_ERROR', innocent: [] },
  /** Wants more than any node has. */
  huge: { make: () => ({ container: { ...shell(TRAP), resources: { requests: { cpu: '100' } } } }), ends: 'TASK_FAILED', innocent: ['main'], refused: true, undrawn: true },
  /** It has minutes for its end, and does not use them. */
  deaf: { make: () => ({ container: shell("trap '' TERM; sleep 86400"), spec: { terminationGracePeriodSeconds: 600 } }), innocent: ['main'], undrawn: true },
  hooked: {
    make: () => ({ container: { ...shell(TRAP), imagePullPolicy: 'Always', lifecycle: { postStart: { exec: { command: ['sh', '-c', 'sleep 0.2; exit 0'] } } } } }),
    innocent: ['main'],
    undrawn: true,
  },
  unlively: {
    make: () => ({ container: { ...shell("trap '' TERM; sleep 86400"), livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 } }, spec: { terminationGracePeriodSeconds: 1 } }),
    innocent: [],
    undrawn: true,
  },
  explaining: {
    make: () => ({ container: { ...shell('echo why; exit 7'), terminationMessagePolicy: 'FallbackToLogsOnError' }, spec: never }),
    ends: 'TASK_FAILED',
    innocent: ['main'],
    undrawn: true,
  },
  docker: { make: () => ({ container: shell(TRAP) }), innocent: ['main'], undrawn: true, docker: true },
  'docker-job': { make: () => ({ container: shell(`${ONCE.replaceAll('/shared', '/mnt/mesos/sandbox')} sleep 0.3; exit 0`) }), ends: 'TASK_FINISHED', innocent: ['main'], undrawn: true, docker: true },
  imageless: { make: () => ({ container: { image: 'no-such-image', ...shell(TRAP) } }), innocent: [], stuck: true },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

/** A pod of that kind. */
export function podOf(kind: KindName, random: Random, name: string, nodeName: string | undefined): Pod {
  const { make }: Kind = KINDS[kind];
  const { container, spec = {} } = make(random);
  return pod(container, { terminationGracePeriodSeconds: 2, ...spec, ...(nodeName === undefined ? {} : { nodeName }) }, { name, uid: randomUUID() });
}
