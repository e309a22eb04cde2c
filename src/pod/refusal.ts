import { appArmorProfile } from './security-profiles.ts';
import { sysctlForbidden } from './sysctls.ts';
import type { Container, ValidPod } from './types.ts';

/** Why a node does not run a pod at all: its phase is Failed, with this reason and message. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** What of the node decides over pods. */
export interface AdmittingNode {
  /** Names and beginnings with `*`, beside what is safe. */
  readonly allowedUnsafeSysctls: readonly string[];
  /** The profiles that are loaded, or why there are none; asked only for a pod that wants one. */
  readonly appArmor: () => Promise<ReadonlySet<string> | string>;
}

/** Kubernetes v1.20 pkg/kubelet/sysctl/whitelist.go, pkg/security/apparmor/validate.go. */
export async function refusalOf(pod: ValidPod, node: AdmittingNode): Promise<Refusal | undefined> {
  const { spec } = pod;
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const forbidden = sysctlForbidden(name, spec, node.allowedUnsafeSysctls);
    if (forbidden !== undefined) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${forbidden}` };
  }
  const profiles = containersOf(pod).flatMap((container) => appArmorProfile(pod, container) ?? []).filter((profile) => profile !== 'unconfined');
  if (profiles.length === 0) return undefined;
  const loaded = await node.appArmor();
  const cannot = typeof loaded === 'string' ? loaded : missing(profiles, loaded);
  return cannot === undefined ? undefined : { reason: 'AppArmor', message: `Cannot enforce AppArmor: ${cannot}` };
}

function missing(profiles: readonly string[], loaded: ReadonlySet<string>): string | undefined {
  const absent = profiles.map((profile) => /^localhost\/(.*)$/s.exec(profile)?.[1]).find((name) => name !== undefined && !loaded.has(name));
  return absent === undefined ? undefined : `profile ${JSON.stringify(absent)} is not loaded`;
}

function containersOf({ spec }: ValidPod): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
}
