import type { Faults } from './faults.ts';
import { shown } from './faults.ts';
import { checkDescending, checkOneOf, checkRange } from './rules.ts';
import { APP_ARMOR_ANNOTATION, SECCOMP_CONTAINER_ANNOTATION, SECCOMP_POD_ANNOTATION } from './security-profiles.ts';
import { checkSysctls } from './sysctls.ts';
import type { Container, PodSpec } from './types.ts';

const MOST_ID = 2 ** 31 - 1;
const LONGEST_APP_ARMOR_NAME = 4095;
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'] as const;

type PodSecurity = NonNullable<PodSpec['securityContext']>;
type Profile = NonNullable<PodSecurity['seccompProfile']>;

/** Kubernetes v1.20 pkg/apis/core/validation ValidatePodSecurityContext; AppArmor as v1.30, groups as v1.31 has them. */
export function checkPodSecurity(spec: PodSpec, faults: Faults): void {
  const path = 'spec.securityContext';
  const { seccompProfile, appArmorProfile, supplementalGroupsPolicy = 'Merge', sysctls = [] } = spec.securityContext ?? {};
  if (seccompProfile !== undefined) checkSeccomp(seccompProfile, `${path}.seccompProfile`, faults);
  if (appArmorProfile !== undefined) checkAppArmor(appArmorProfile, `${path}.appArmorProfile`, faults);
  checkSysctls(sysctls, `${path}.sysctls`, faults);
  checkOneOf(supplementalGroupsPolicy, ['Merge', 'Strict'], `${path}.supplementalGroupsPolicy`, faults);
  if (supplementalGroupsPolicy === 'Strict') checkStrictGroups(spec, faults);
  if (spec.hostUsers === false) faults.add('spec.hostUsers', 'not supported: a Docker Engine has one user namespace for all containers');
}

/** With a group that is given Docker looks for none in the image; without one it takes those that the image has for the user. */
function checkStrictGroups(spec: PodSpec, faults: Faults): void {
  if (spec.securityContext?.runAsGroup !== undefined) return;
  for (const field of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [i, container] of (spec[field] ?? []).entries()) {
      if (container.securityContext?.runAsGroup !== undefined) continue;
      faults.add(`spec.${field}[${i}].securityContext.runAsGroup`, 'required with supplementalGroupsPolicy Strict: Docker adds the groups of the image for a user without one');
    }
  }
}

/** Kubernetes v1.20 pkg/apis/core/validation ValidateSecurityContext. */
export function checkContainerSecurity({ securityContext = {} }: Container, path: string, faults: Faults): void {
  const { runAsUser, runAsGroup, allowPrivilegeEscalation, privileged, capabilities, procMount, seccompProfile, appArmorProfile } = securityContext;
  checkRange(runAsUser, 0, MOST_ID, `${path}.runAsUser`, faults);
  checkRange(runAsGroup, 0, MOST_ID, `${path}.runAsGroup`, faults);
  if (procMount !== undefined) checkOneOf(procMount, ['Default', 'Unmasked'], `${path}.procMount`, faults);
  if (seccompProfile !== undefined) checkSeccomp(seccompProfile, `${path}.seccompProfile`, faults);
  if (appArmorProfile !== undefined) checkAppArmor(appArmorProfile, `${path}.appArmorProfile`, faults);
  if (allowPrivilegeEscalation !== false) return;
  if (privileged === true) faults.add(path, 'cannot set allowPrivilegeEscalation to false and privileged to true');
  if (capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
    faults.add(path, 'cannot set allowPrivilegeEscalation to false and capabilities.add CAP_SYS_ADMIN');
  }
}

function checkSeccomp(profile: Profile, path: string, faults: Faults): void {
  checkProfile(profile, path, faults);
  if (profile.type === 'Localhost' && (profile.localhostProfile ?? '') !== '') checkDescending(profile.localhostProfile ?? '', `${path}.localhostProfile`, faults);
}

function checkAppArmor(profile: Profile, path: string, faults: Faults): void {
  checkProfile(profile, path, faults);
  const { localhostProfile = '' } = profile;
  if (localhostProfile.trim() !== localhostProfile) faults.add(`${path}.localhostProfile`, 'must not be padded with whitespace');
  if (localhostProfile.length > LONGEST_APP_ARMOR_NAME) faults.add(`${path}.localhostProfile`, `must have at most ${LONGEST_APP_ARMOR_NAME} bytes`);
}

function checkProfile({ type = '', localhostProfile }: Profile, path: string, faults: Faults): void {
  if (type === '') faults.add(`${path}.type`, 'required');
  else checkOneOf(type, PROFILE_TYPES, `${path}.type`, faults);
  const given = (localhostProfile ?? '') !== '';
  if (type === 'Localhost' && !given) faults.add(`${path}.localhostProfile`, 'required with type Localhost');
  if (type !== 'Localhost' && given) faults.add(`${path}.localhostProfile`, 'must be set only with type Localhost');
}

/** Profiles as annotations: Kubernetes v1.20 pkg/apis/core/validation ValidateSeccompPodAnnotations, ValidateAppArmorPodAnnotations. */
export function checkSecurityAnnotations(annotations: Readonly<Record<string, string>>, spec: PodSpec | undefined, faults: Faults): void {
  for (const [key, value] of Object.entries(annotations)) {
    const field = `metadata.annotations[${key}]`;
    if (key === SECCOMP_POD_ANNOTATION || key.startsWith(SECCOMP_CONTAINER_ANNOTATION)) checkSeccompAnnotation(value, field, faults);
    if (!key.startsWith(APP_ARMOR_ANNOTATION)) continue;
    const name = key.slice(APP_ARMOR_ANNOTATION.length);
    const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])];
    if (!all.some((container) => container.name === name)) faults.add(field, 'container not found');
    if (!['', 'runtime/default', 'unconfined'].includes(value) && !value.startsWith('localhost/')) faults.add(field, `invalid AppArmor profile name: ${shown(value)}`);
  }
}

function checkSeccompAnnotation(value: string, field: string, faults: Faults): void {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(value)) return;
  if (value.startsWith('localhost/')) checkDescending(value.slice('localhost/'.length), field, faults);
  else faults.add(field, `${shown(value)} is no seccomp profile`);
}
