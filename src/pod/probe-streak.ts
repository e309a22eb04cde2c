import type { Container, Probe } from './types.ts';

export type ProbeKind = 'readiness' | 'liveness' | 'startup';

/** Outcomes of a probe that were the same one after the other; not more than it takes for a result. */
export interface ProbeStreak {
  readonly ok: boolean;
  readonly times: number;
}

/** A streak and whose it is. */
export interface ContainerStreak extends ProbeStreak {
  /** Name of the container. */
  readonly container: string;
  /** Docker's id of it. */
  readonly id: string;
  readonly probe: ProbeKind;
}

/** The streak after one more outcome; `before` itself when that changes nothing (Kubernetes v1.20 pkg/kubelet/prober/worker.go). */
export function longerStreak(before: ProbeStreak | undefined, ok: boolean, probe: Probe): ProbeStreak {
  if (before?.ok !== ok) return { ok, times: 1 };
  return before.times < threshold(ok, probe) ? { ok, times: before.times + 1 } : before;
}

/** What the probe says by now; `undefined` while the streak is too short to say anything else than before. */
export function resultOf({ ok, times }: ProbeStreak, probe: Probe): boolean | undefined {
  return times < threshold(ok, probe) ? undefined : ok;
}

function threshold(ok: boolean, probe: Probe): number {
  return ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
}

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  switch (kind) {
    case 'readiness':
      return container.readinessProbe;
    case 'liveness':
      return container.livenessProbe;
    case 'startup':
      return container.startupProbe;
  }
}
