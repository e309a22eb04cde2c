import { KmError } from '../base/index.ts';
import { appArmorProfile, type Container, seccompProfile, type ValidPod } from '../pod/index.ts';
import type { HostConfig } from './create-body.ts';

type PodSecurity = NonNullable<ValidPod['spec']['securityContext']>;

export interface SecurityOptions extends Pick<
  HostConfig,
  'Privileged' | 'ReadonlyRootfs' | 'CapAdd' | 'CapDrop' | 'GroupAdd' | 'SecurityOpt' | 'MaskedPaths' | 'ReadonlyPaths'
> {
  /** `uid[:gid]`; empty leaves the image's. */
  readonly user: string;
}

/**
 * A container's security context, the pod's below it, in the Engine's words (Kubernetes v1.20
 * pkg/kubelet/dockershim/security_context.go, pkg/securitycontext/util.go). A group without a user goes with the image's user. `seccomp` is the
 * content of the profile of the node that the container names, if it does.
 */
export function containerSecurity(pod: ValidPod, container: Container, imageUser = '', seccomp?: string): SecurityOptions {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const privileged = own.privileged === true;
  return {
    user: userOf(own.runAsUser ?? ofPod.runAsUser, own.runAsGroup ?? ofPod.runAsGroup, nameIn(imageUser) || '0'),
    GroupAdd: groups(ofPod),
    Privileged: privileged,
    ReadonlyRootfs: own.readOnlyRootFilesystem === true,
    CapAdd: own.capabilities?.add ?? [],
    CapDrop: own.capabilities?.drop ?? [],
    SecurityOpt: [
      ...seLinux({ ...ofPod.seLinuxOptions, ...own.seLinuxOptions }),
      ...(own.allowPrivilegeEscalation === false ? ['no-new-privileges'] : []),
      ...seccompOption(pod, container, seccomp),
      ...appArmorOption(pod, container),
    ],
    // Left out, Docker hides and protects parts of /proc; empty lists take that away.
    ...(!privileged && own.procMount === 'Unmasked' && { MaskedPaths: [], ReadonlyPaths: [] }),
  };
}

/** The sandbox runs as the pod says, never privileged, with Docker's own seccomp profile. */
export function sandboxSecurity(pod: ValidPod): SecurityOptions {
  const ofPod = pod.spec.securityContext ?? {};
  return {
    user: userOf(ofPod.runAsUser, ofPod.runAsGroup, '0'),
    GroupAdd: groups(ofPod),
    SecurityOpt: [...seLinux(ofPod.seLinuxOptions ?? {}), 'no-new-privileges'],
  };
}

/**
 * Refuses a container that must not run as root and would, or might (Kubernetes v1.20 pkg/kubelet/kuberuntime/security_context.go).
 * Throws code `workload` with the kubelet's words; the waiting reason is `CreateContainerConfigError`.
 */
export function checkRunAsNonRoot(pod: ValidPod, container: Container, imageUser: string): void {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  if ((own.runAsNonRoot ?? ofPod.runAsNonRoot) !== true) return;
  const { name, namespace, uid } = pod.metadata;
  const where = `(pod: "${name}_${namespace}(${uid})", container: ${container.name})`;
  const user = own.runAsUser ?? ofPod.runAsUser;
  if (user === 0) throw new KmError('workload', `container's runAsUser breaks non-root policy ${where}`);
  if (user !== undefined) return;
  const ofImage = nameIn(imageUser);
  if (ofImage === '' || /^0+$/.test(ofImage)) throw new KmError('workload', `container has runAsNonRoot and image will run as root ${where}`);
  if (/^\d+$/.test(ofImage)) return;
  throw new KmError('workload', `container has runAsNonRoot and image has non-numeric user (${ofImage}), cannot verify user is non-root ${where}`);
}

/** The user in an image's `user[:group]`. */
function nameIn(imageUser: string): string {
  return imageUser.split(':')[0] ?? '';
}

function userOf(user: number | undefined, group: number | undefined, imageUser: string): string {
  if (group === undefined) return user === undefined ? '' : String(user);
  return `${user ?? imageUser}:${group}`;
}

function groups(security: PodSecurity): string[] {
  return [...(security.supplementalGroups ?? []), ...(security.fsGroup === undefined ? [] : [security.fsGroup])].map(String);
}

function seLinux(options: NonNullable<PodSecurity['seLinuxOptions']>): string[] {
  return (['user', 'role', 'type', 'level'] as const).flatMap((part) => (options[part] ? [`label=${part}:${options[part]}`] : []));
}

/** Without a profile the kubelet asks for none; `RuntimeDefault` is what Docker does when it is not told. Docker takes a profile by its content. */
function seccompOption(pod: ValidPod, container: Container, content: string | undefined): string[] {
  switch (seccompProfile(pod, container).kind) {
    case 'unconfined':
      return ['seccomp=unconfined'];
    case 'runtime-default':
      return [];
    case 'localhost':
      if (content === undefined) throw new KmError('internal', `container ${container.name}: its seccomp profile has not been read`);
      return [`seccomp=${content}`];
  }
}

/** Where the host has AppArmor, Docker's own profile is what it applies when it is not told. */
function appArmorOption(pod: ValidPod, container: Container): string[] {
  const profile = appArmorProfile(pod, container);
  return profile === undefined || profile === 'runtime/default' ? [] : [`apparmor=${profile.replace(/^localhost\//, '')}`];
}
