import type { Refusal } from './refusal.ts';
import { appArmorProfile } from './security-profiles.ts';
import { sysctlForbidden } from './sysctls.ts';
import type { ValidPod } from './types.ts';

/** Kubernetes v1.20 pkg/kubelet/sysctl/whitelist.go. */
export function forbiddenSysctl({ pod: { spec }, allowedUnsafeSysctls = [] }: { readonly pod: ValidPod; readonly allowedUnsafeSysctls?: readonly string[] }): Refusal | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const forbidden = sysctlForbidden(name, spec, allowedUnsafeSysctls);
    if (forbidden !== undefined) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${forbidden}` };
  }
  return undefined;
}

/** Kubernetes v1.20 pkg/security/apparmor/validate.go. */
export function noAppArmor({ pod, appArmor }: { readonly pod: ValidPod; readonly appArmor?: ReadonlySet<string> | string }): Refusal | undefined {
  if (appArmor === undefined || !wantsAppArmor(pod)) return undefined;
  const cannot = typeof appArmor === 'string' ? appArmor : missing(profilesOf(pod), appArmor);
  return cannot === undefined ? undefined : { reason: 'AppArmor', message: `Cannot enforce AppArmor: ${cannot}` };
}

/** Whether a container of the pod names a profile. */
export function wantsAppArmor(pod: ValidPod): boolean {
  return profilesOf(pod).some((profile) => profile !== 'unconfined');
}

function profilesOf(pod: ValidPod): string[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return [...initContainers, ...containers, ...ephemeralContainers].flatMap((container) => appArmorProfile(pod, container) ?? []);
}

function missing(profiles: readonly string[], loaded: ReadonlySet<string>): string | undefined {
  const absent = profiles.map((profile) => /^localhost\/(.*)$/s.exec(profile)?.[1]).find((name) => name !== undefined && !loaded.has(name));
  return absent === undefined ? undefined : `profile ${JSON.stringify(absent)} is not loaded`;
}
