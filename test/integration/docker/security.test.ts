import { afterAll, expect, it } from 'vitest';
import type { Container, ValidPod } from '../../../src/pod/index.ts';
import type { ContainerInput } from '../../../src/docker/index.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
afterAll(() => us[Symbol.asyncDispose]());

type Security = NonNullable<Container['securityContext']>;

/** What a shell script prints in a container with this security context. */
async function inside(script: string, securityContext: Security, spec: Partial<ValidPod['spec']> = {}, input: Partial<ContainerInput> = {}): Promise<string> {
  const pod = us.pod(spec);
  const sandboxId = await us.sandbox(pod);
  const id = await engine.create(us.config(pod, sandboxId, { command: ['sh', '-c', script], securityContext }, input));
  await engine.start(id);
  return (await us.outputOf(id)).trim();
}

const status = (...names: string[]): string => `grep -E "^(${names.join('|')}):" /proc/self/status | tr -s "\\t " " "`;
const NET_ADMIN = '0000000000001000';

it.each<[string, Security, string]>([
  ['added to none, by either name', { capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }, NET_ADMIN],
  ['added to none, by the kernel’s name', { capabilities: { drop: ['ALL'], add: ['CAP_NET_ADMIN'] } }, NET_ADMIN],
  ['all dropped', { capabilities: { drop: ['ALL'] } }, '0000000000000000'],
])('capabilities: %s', async (_what, security, wanted) => {
  expect(await inside(status('CapEff'), security)).toBe(`CapEff: ${wanted}`);
});

it.each<[string, Security, string]>([
  ['nothing', {}, 'NoNewPrivs: 0 Seccomp: 0'],
  ['may not gain rights', { allowPrivilegeEscalation: false }, 'NoNewPrivs: 1 Seccomp: 0'],
  ['may gain rights', { allowPrivilegeEscalation: true }, 'NoNewPrivs: 0 Seccomp: 0'],
  ['Docker’s own seccomp profile', { seccompProfile: { type: 'RuntimeDefault' } }, 'NoNewPrivs: 0 Seccomp: 2'],
])('the kernel shows of a container that says: %s', async (_what, security, wanted) => {
  expect((await inside(status('NoNewPrivs', 'Seccomp'), security)).replaceAll('\n', ' ')).toBe(wanted);
});

it('a seccomp profile of the node forbids what it forbids', async () => {
  const seccomp = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] });
  const seccompProfile = { type: 'Localhost', localhostProfile: 'no-mkdir.json' };
  expect(await inside('mkdir /tmp/x; touch /file && echo touched', { seccompProfile }, {}, { seccomp })).toMatch(/not permitted[\s\S]*touched/);
});

it('parts of /proc are masked unless it says otherwise', async () => {
  const look = 'grep -c " /proc/" /proc/self/mounts';
  expect(Number(await inside(look, {}))).toBeGreaterThan(3);
  expect(await inside(look, { procMount: 'Unmasked' })).toBe('0');
});

it('a group without a user is that of the image’s user', async () => {
  expect(await inside('id -u; id -g', { runAsGroup: 2345 }, { securityContext: { runAsGroup: 7 } })).toBe('0\n2345');
});

it('SELinux options are passed on, and harmless where there is none', async () => {
  expect(await inside('echo runs', { seLinuxOptions: { level: 's0:c1,c2' } })).toBe('runs');
});

it('a capability that nobody knows is the fault of the pod', async () => {
  await expect(inside('true', { capabilities: { add: ['FLY'] } })).rejects.toMatchObject({ code: 'workload' });
});
