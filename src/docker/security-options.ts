import { KmError } from '../base/index.ts';
import type { Container, ValidPod } from '../pod/index.ts';
import type { HostConfig } from './create-body.ts';

type PodSecurity = NonNullable<ValidPod['spec']['securityContext']>;
type ContainerSecurity = NonNullable<Container['securityContext']>;

export interface SecurityOptions extends Pick<
  HostConfig,
  'Privileged' | 'ReadonlyRootfs' | 'CapAdd' | 'CapDrop' | 'GroupAdd' | 'SecurityOpt' | 'MaskedPaths' | 'ReadonlyPaths'
> {
  /** `uid[:gid]`; empty leaves the image's. */
  readonly user: string;
}

/**
 * A container's security context, the pod's below it, in the Engine's words (Kubernetes v1.20
 * pkg/kubelet/dockershim/security_context.go, pkg/securitycontext/util.go). Throws code `invalid` for a group without a user.
 */
export function containerSecurity(pod: ValidPod, container: Container): SecurityOptions {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const privileged = own.privileged === true;
  return {
    user: userOf(own.runAsUser ?? ofPod.runAsUser, own.runAsGroup ?? ofPod.runAsGroup),
    GroupAdd: groups(ofPod),
    Privileged: privileged,
    ReadonlyRootfs: own.readOnlyRootFilesystem === true,
    CapAdd: own.capabilities?.add ?? [],
    CapDrop: own.capabilities?.drop ?? [],
    SecurityOpt: [
      ...seLinux({ ...ofPod.seLinuxOptions, ...own.seLinuxOptions }),
      ...(own.allowPrivilegeEscalation === false ? ['no-new-privileges'] : []),
      ...seccomp(own.seccompProfile ?? ofPod.seccompProfile),
    ],
    // Left out, Docker hides and protects parts of /proc; empty lists take that away.
    ...(!privileged && own.procMount === 'Unmasked' && { MaskedPaths: [], ReadonlyPaths: [] }),
  };
}

/** The sandbox runs as the pod says, never privileged, with Docker's own seccomp profile. */
export function sandboxSecurity(pod: ValidPod): SecurityOptions {
  const ofPod = pod.spec.securityContext ?? {};
  return {
    user: userOf(ofPod.runAsUser, ofPod.runAsGroup),
    GroupAdd: groups(ofPod),
    SecurityOpt: [...seLinux(ofPod.seLinuxOptions ?? {}), 'no-new-privileges'],
  };
}

function userOf(user: number | undefined, group: number | undefined): string {
  if (group === undefined) return user === undefined ? '' : String(user);
  if (user === undefined) throw new KmError('invalid', 'runAsGroup is specified without a runAsUser');
  return `${user}:${group}`;
}

function groups(security: PodSecurity): string[] {
  return [...(security.supplementalGroups ?? []), ...(security.fsGroup === undefined ? [] : [security.fsGroup])].map(String);
}

function seLinux(options: NonNullable<PodSecurity['seLinuxOptions']>): string[] {
  return (['user', 'role', 'type', 'level'] as const).flatMap((part) => (options[part] ? [`label=${part}:${options[part]}`] : []));
}

/** Without a profile the kubelet asks for none; `RuntimeDefault` is what Docker does when it is not told. */
function seccomp(profile: ContainerSecurity['seccompProfile']): string[] {
  return profile === undefined || profile.type === 'Unconfined' ? ['seccomp=unconfined'] : [];
}
