import { describe, expect, it, test } from 'vitest';
import { type AdmissionInput, appArmorProfile, faultText, type Pod, type PodSpec, refusalOf, seccompProfile, sysctlName } from '../../../src/pod/index.ts';
import { container, faultsOf, pod, rawPod } from './samples.ts';

const SECCOMP = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_WEB = 'container.seccomp.security.alpha.kubernetes.io/web';
const APP_ARMOR_WEB = 'container.apparmor.security.beta.kubernetes.io/web';

function told(spec: unknown, annotations: Record<string, string> = {}): string {
  return faultText(faultsOf(rawPod(spec as Partial<PodSpec>, { annotations })));
}
const ofContainer = (securityContext: unknown): unknown => ({ containers: [{ ...container('web'), securityContext }] });

describe('what a security context may say', () => {
  test.each<[string, unknown, Record<string, string>?]>([
    ['nothing', {}],
    ['all that the node passes on', ofContainer({
      privileged: false, readOnlyRootFilesystem: true, runAsUser: 1, runAsGroup: 2, runAsNonRoot: true, allowPrivilegeEscalation: false, procMount: 'Unmasked',
      capabilities: { add: ['NET_ADMIN', 'CAP_SYS_TIME'], drop: ['ALL'] }, seLinuxOptions: { level: 's0:c1,c2' },
    })],
    ['profiles', { securityContext: { seccompProfile: { type: 'RuntimeDefault' }, appArmorProfile: { type: 'Unconfined' } } }],
    ['profiles of the node', ofContainer({ seccompProfile: { type: 'Localhost', localhostProfile: 'team/web.json' }, appArmorProfile: { type: 'Localhost', localhostProfile: 'web' } })],
    ['profiles as annotations', {}, { [SECCOMP]: 'runtime/default', [SECCOMP_WEB]: 'localhost/web.json', [APP_ARMOR_WEB]: 'localhost/web' }],
    ['the older name of a profile', {}, { [SECCOMP]: 'docker/default', [APP_ARMOR_WEB]: '' }],
    ['any sysctl: whether the node takes it is another question', { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }, { name: 'net/ipv4/tcp_syncookies', value: '1' }] } }],
    ['strict groups for a user with a group', { securityContext: { supplementalGroupsPolicy: 'Strict', runAsGroup: 1 } }],
    ['strict groups for each container', { securityContext: { supplementalGroupsPolicy: 'Strict' }, ...(ofContainer({ runAsGroup: 3 }) as object) }],
    ['the users of the host', { hostUsers: true }],
  ])('%s', (_what, spec, annotations) => {
    expect(told(spec, annotations)).toBe('');
  });

  test.each<[string, unknown, Record<string, string>?]>([
    ['spec.hostUsers: not supported', { hostUsers: false }],
    ['spec.securityContext.windowsOptions: not supported', { securityContext: { windowsOptions: { runAsUserName: 'a' } } }],
    ['spec.containers[0].securityContext.windowsOptions: not supported', ofContainer({ windowsOptions: { hostProcess: true } })],
    ['spec.containers[0].securityContext.procMount: "Other": must be one of "Default", "Unmasked"', ofContainer({ procMount: 'Other' })],
    ['spec.containers[0].securityContext.runAsUser: -1: must be between', ofContainer({ runAsUser: -1 })],
    ['spec.containers[0].securityContext: cannot set allowPrivilegeEscalation to false and privileged', ofContainer({ allowPrivilegeEscalation: false, privileged: true })],
    ['spec.containers[0].securityContext: cannot set allowPrivilegeEscalation to false and capabilities.add', ofContainer({ allowPrivilegeEscalation: false, capabilities: { add: ['CAP_SYS_ADMIN'] } })],
    ['spec.securityContext.seccompProfile.type: required', { securityContext: { seccompProfile: {} } }],
    ['spec.securityContext.seccompProfile.type: "Other": must be one of', { securityContext: { seccompProfile: { type: 'Other' } } }],
    ['seccompProfile.localhostProfile: required with type Localhost', ofContainer({ seccompProfile: { type: 'Localhost' } })],
    ['seccompProfile.localhostProfile: must be set only with type Localhost', ofContainer({ seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'a' } })],
    ['seccompProfile.localhostProfile: "/etc/shadow": must be a relative path', ofContainer({ seccompProfile: { type: 'Localhost', localhostProfile: '/etc/shadow' } })],
    [`seccompProfile.localhostProfile: "a/../../b": must not contain '..'`, ofContainer({ seccompProfile: { type: 'Localhost', localhostProfile: 'a/../../b' } })],
    ['appArmorProfile.localhostProfile: required with type Localhost', ofContainer({ appArmorProfile: { type: 'Localhost' } })],
    ['appArmorProfile.localhostProfile: must not be padded', ofContainer({ appArmorProfile: { type: 'Localhost', localhostProfile: ' a' } })],
    [`metadata.annotations[${SECCOMP}]: "/etc/shadow": must be a relative path`, {}, { [SECCOMP]: 'localhost//etc/shadow' }],
    [`metadata.annotations[${SECCOMP_WEB}]: "../x": must not contain '..'`, {}, { [SECCOMP_WEB]: 'localhost/../x' }],
    [`metadata.annotations[${SECCOMP_WEB}]: "mine" is no seccomp profile`, {}, { [SECCOMP_WEB]: 'mine' }],
    [`metadata.annotations[${APP_ARMOR_WEB}]: invalid AppArmor profile name: "mine"`, {}, { [APP_ARMOR_WEB]: 'mine' }],
    ['container not found', {}, { 'container.apparmor.security.beta.kubernetes.io/absent': 'unconfined' }],
    ['spec.securityContext.sysctls[0].name: required', { securityContext: { sysctls: [{ value: '1' }] } }],
    ['spec.securityContext.sysctls[0].name: "foo-" is not the name of a sysctl', { securityContext: { sysctls: [{ name: 'foo-', value: 'bar' }] } }],
    ['spec.securityContext.sysctls[0].name: "../../x" is not the name', { securityContext: { sysctls: [{ name: '../../x', value: 'bar' }] } }],
    ['spec.securityContext.sysctls[1].name: duplicate value', { securityContext: { sysctls: [{ name: 'net.a', value: '1' }, { name: 'net.a', value: '2' }] } }],
    ['spec.securityContext.supplementalGroupsPolicy: "Other": must be one of', { securityContext: { supplementalGroupsPolicy: 'Other' } }],
    ['spec.containers[0].securityContext.runAsGroup: required with supplementalGroupsPolicy Strict', { securityContext: { supplementalGroupsPolicy: 'Strict', runAsUser: 5 } }],
  ])('not %s', (message, spec, annotations) => {
    expect(told(spec, annotations)).toContain(message);
  });
});

type Field = { type: string; localhostProfile?: string } | undefined;
const local = { type: 'Localhost', localhostProfile: 'p.json' };

describe('a container’s seccomp profile', () => {
  const [DEFAULT, OPEN, FILE] = [{ kind: 'runtime-default' }, { kind: 'unconfined' }, { kind: 'localhost', path: 'p.json' }];
  test.each<[string, { own?: Field; ofPod?: Field; annotations?: Record<string, string> }, object]>([
    ['none, where nobody says anything', {}, OPEN],
    ['its own field', { own: { type: 'RuntimeDefault' }, ofPod: local, annotations: { [SECCOMP_WEB]: 'unconfined' } }, DEFAULT],
    ['its annotation before the pod', { ofPod: { type: 'Unconfined' }, annotations: { [SECCOMP_WEB]: 'localhost/p.json', [SECCOMP]: 'unconfined' } }, FILE],
    ["the pod's field", { ofPod: local, annotations: { [SECCOMP]: 'unconfined' } }, FILE],
    ["the pod's annotation", { annotations: { [SECCOMP]: 'docker/default' } }, DEFAULT],
    ["not another container's annotation", { annotations: { 'container.seccomp.security.alpha.kubernetes.io/other': 'docker/default' } }, OPEN],
    ['none, where it says so', { own: { type: 'Unconfined' }, ofPod: local }, OPEN],
  ])('is %s', (_what, { own, ofPod, annotations = {} }, wanted) => {
    const web = container('web', own === undefined ? {} : { securityContext: { seccompProfile: own } });
    const whole = pod({ containers: [web], ...(ofPod !== undefined && { securityContext: { seccompProfile: ofPod } }) }, { annotations });
    expect(seccompProfile(whole, web)).toEqual(wanted);
  });
});

describe('a container’s AppArmor profile', () => {
  test.each<[string, { own?: Field; ofPod?: Field; annotations?: Record<string, string> }, string | undefined]>([
    ['none, where nobody says anything', {}, undefined],
    ['its own field', { own: { type: 'Localhost', localhostProfile: 'a' }, annotations: { [APP_ARMOR_WEB]: 'unconfined' } }, 'localhost/a'],
    ['its annotation', { ofPod: { type: 'Unconfined' }, annotations: { [APP_ARMOR_WEB]: 'localhost/b' } }, 'localhost/b'],
    ["the pod's field", { ofPod: { type: 'RuntimeDefault' } }, 'runtime/default'],
    ['none, with an empty annotation', { annotations: { [APP_ARMOR_WEB]: '' } }, undefined],
  ])('is %s', (_what, { own, ofPod, annotations = {} }, wanted) => {
    const web = container('web', own === undefined ? {} : { securityContext: { appArmorProfile: own } });
    const whole = pod({ containers: [web], ...(ofPod !== undefined && { securityContext: { appArmorProfile: ofPod } }) }, { annotations });
    expect(appArmorProfile(whole, web)).toBe(wanted);
  });
});

test.each([
  ['net.ipv4.tcp_syncookies', 'net.ipv4.tcp_syncookies'],
  ['net/ipv4/tcp_syncookies', 'net.ipv4.tcp_syncookies'],
  ['net/ipv4/conf/eth0.1/arp_ignore', 'net.ipv4.conf.eth0/1.arp_ignore'],
  ['net.ipv4.conf.eth0/1.arp_ignore', 'net.ipv4.conf.eth0/1.arp_ignore'],
  ['kernel', 'kernel'],
])('the sysctl %s is %s', (given, wanted) => {
  expect(sysctlName(given)).toBe(wanted);
});

describe('a node refuses', () => {
  const noAppArmor = 'AppArmor is not enabled on the host';
  const sysctls = (name: string, spec: object = {}): Partial<PodSpec> => ({ ...spec, securityContext: { sysctls: [{ name, value: '1' }] } });
  const given = (spec: Partial<PodSpec>, metadata?: Pod['metadata']): Pick<AdmissionInput, 'pod' | 'others' | 'allocatable' | 'node'> => ({ pod: pod(spec, metadata), others: [], allocatable: { pods: 110 }, node: undefined });

  // Kubernetes v1.20 pkg/kubelet/sysctl/whitelist_test.go has the same decisions.
  test.each<[string, Partial<PodSpec>, string[], string | undefined]>([
    ['no safe sysctl', sysctls('kernel.shm_rmid_forced'), [], undefined],
    ['an unsafe one', sysctls('kernel.msgmax'), [], '"kernel.msgmax" not whitelisted'],
    ['one that is not namespaced', sysctls('vm.swappiness'), ['kernel.msg*'], '"vm.swappiness" not whitelisted'],
    ['none that is allowed', sysctls('kernel.sem'), ['kernel.sem'], undefined],
    ['none whose beginning is allowed', sysctls('kernel.msgmax'), ['kernel.msg*'], undefined],
    ['more than a name says', sysctls('kernel.semaphores'), ['kernel.sem'], '"kernel.semaphores" not whitelisted'],
    ['one of the network with the network of the host', sysctls('net.ipv4.tcp_syncookies', { hostNetwork: true }), [], '"net.ipv4.tcp_syncookies" not allowed with host net enabled'],
    ['one of IPC with the IPC of the host', sysctls('kernel.msgmax', { hostIPC: true }), ['kernel.msg*'], '"kernel.msgmax" not allowed with host ipc enabled'],
    ['not one of IPC for the network of the host', sysctls('kernel.shm_rmid_forced', { hostNetwork: true }), [], undefined],
    ['one with slashes as that with dots', sysctls('net/core/somaxconn'), [], '"net.core.somaxconn" not whitelisted'],
  ])('%s', (_what, spec, allowedUnsafeSysctls, wanted) => {
    expect(refusalOf({ ...given(spec), allowedUnsafeSysctls })).toEqual(wanted === undefined ? undefined : { reason: 'SysctlForbidden', message: `forbidden sysctl: ${wanted}` });
  });

  const profile = (type: string, localhostProfile?: string): Partial<PodSpec> => ({
    initContainers: [container('setup', { securityContext: { appArmorProfile: { type, ...(localhostProfile !== undefined && { localhostProfile }) } } })],
  });
  test.each<[string, Partial<PodSpec>, ReadonlySet<string> | string, string | undefined]>([
    ['no pod that wants none', {}, noAppArmor, undefined],
    ['no pod that wants none on purpose', profile('Unconfined'), noAppArmor, undefined],
    ['a profile where there is no AppArmor', profile('RuntimeDefault'), noAppArmor, 'AppArmor is not enabled on the host'],
    ['no default where there is AppArmor', profile('RuntimeDefault'), new Set(), undefined],
    ['no profile that is loaded', profile('Localhost', 'web'), new Set(['web']), undefined],
    ['a profile that is not loaded', profile('Localhost', 'web'), new Set(['db']), 'profile "web" is not loaded'],
  ])('%s', (_what, spec, appArmor, wanted) => {
    expect(refusalOf({ ...given(spec), appArmor })).toEqual(wanted === undefined ? undefined : { reason: 'AppArmor', message: `Cannot enforce AppArmor: ${wanted}` });
  });

  it('a profile in an annotation', () => {
    const wanting = given({ containers: [container('web')] }, { annotations: { [APP_ARMOR_WEB]: 'runtime/default' } });
    expect(refusalOf({ ...wanting, appArmor: noAppArmor })).toMatchObject({ reason: 'AppArmor' });
  });
});
