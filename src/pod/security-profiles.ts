import type { Container, Pod, ValidPod } from './types.ts';

/** Before v1.19 seccomp profiles were annotations: of the pod, and with this prefix of a container. */
export const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
export const SECCOMP_CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/';
/** Before v1.30 AppArmor profiles were annotations. */
export const APP_ARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

/** `localhost`: the file of that name below the node's folder of profiles. */
export type SeccompProfile = { readonly kind: 'unconfined' | 'runtime-default' } | { readonly kind: 'localhost'; readonly path: string };

type ProfileField = NonNullable<NonNullable<Container['securityContext']>['seccompProfile']>;

/**
 * A container's seccomp profile: its own field, its annotation, the pod's field, the pod's annotation; unconfined where nobody says
 * anything. Kubernetes v1.20 pkg/kubelet/kuberuntime/helpers.go getSeccompProfile.
 */
export function seccompProfile({ metadata, spec }: ValidPod, container: Container): SeccompProfile {
  const { annotations = {} } = metadata;
  return (
    ofField(container.securityContext?.seccompProfile) ??
    ofAnnotation(annotations[`${SECCOMP_CONTAINER_ANNOTATION}${container.name}`]) ??
    ofField(spec.securityContext?.seccompProfile) ??
    ofAnnotation(annotations[SECCOMP_POD_ANNOTATION]) ?? { kind: 'unconfined' }
  );
}

function ofField(field: ProfileField | undefined): SeccompProfile | undefined {
  if (field === undefined) return undefined;
  if (field.type === 'Localhost') return { kind: 'localhost', path: field.localhostProfile ?? '' };
  return { kind: field.type === 'RuntimeDefault' ? 'runtime-default' : 'unconfined' };
}

function ofAnnotation(value: string | undefined): SeccompProfile | undefined {
  if (value === undefined) return undefined;
  if (value.startsWith('localhost/')) return { kind: 'localhost', path: value.slice('localhost/'.length) };
  return { kind: value === 'runtime/default' || value === 'docker/default' ? 'runtime-default' : 'unconfined' };
}

/**
 * A container's AppArmor profile as the annotations write it: `runtime/default`, `unconfined` or `localhost/<name>`; undefined when nobody
 * says anything. Kubernetes v1.30 pkg/security/apparmor/helpers.go GetProfile.
 */
export function appArmorProfile({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>, container: Container): string | undefined {
  const field = container.securityContext?.appArmorProfile;
  const own = field === undefined ? metadata?.annotations?.[`${APP_ARMOR_ANNOTATION}${container.name}`] : written(field);
  const wanted = own ?? (spec?.securityContext?.appArmorProfile === undefined ? undefined : written(spec.securityContext.appArmorProfile));
  return wanted === '' ? undefined : wanted;
}

function written({ type, localhostProfile = '' }: ProfileField): string {
  if (type === 'Localhost') return `localhost/${localhostProfile}`;
  return type === 'RuntimeDefault' ? 'runtime/default' : 'unconfined';
}
