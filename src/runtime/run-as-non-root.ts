import type { Container, ValidPod } from '../pod/index.ts';

/** Why a container that must not run as root would, or might; `undefined` when all is well (Kubernetes v1.20 pkg/kubelet/kuberuntime/security_context.go). */
export function rootFault(pod: ValidPod, container: Container, imageUser: string): string | undefined {
  const own = container.securityContext;
  const ofPod = pod.spec.securityContext;
  if ((own?.runAsNonRoot ?? ofPod?.runAsNonRoot) !== true) return undefined;
  const uid = own?.runAsUser ?? ofPod?.runAsUser;
  if (uid !== undefined) return uid === 0 ? "container's runAsUser breaks non-root policy" : undefined;
  const user = imageUser.split(':')[0] ?? '';
  if (user === '' || user === '0') return 'container has runAsNonRoot and image will run as root';
  return /^\d+$/.test(user) ? undefined : `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root`;
}
