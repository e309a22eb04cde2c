import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_KUBECTL, TryKubectl } from './try-kubectl.ts';

const SOON = { timeout: 30_000 };
const DEBUG = ['--image=busybox', '--image-pull-policy=IfNotPresent', '--profile=general'];

describe.skipIf(!HAS_KUBECTL)('kubectl debug', () => {
  let k: TryKubectl;
  beforeAll(async () => {
    k = await TryKubectl.start('kubectl-debug');
    await k.pod('patient', [{ name: 'main', command: ['sleep', '66621'] }]);
  });
  afterAll(() => k?.[Symbol.asyncDispose]());

  it('gives a shell beside the processes of the container it is to look at', async () => {
    const shell = k.onTerminal(`debug -it patient ${DEBUG.join(' ')} -c debugger --target=main -- sh`);
    await expect.poll(() => shell.stdout, SOON).toMatch(/#/);
    shell.write('ps | grep 6662[1]\n');
    await expect.poll(() => shell.stdout, SOON).toMatch(/sleep 66621/);
    shell.write('exit\n');
    await shell.ended;
    const pod = await k.until('patient', ({ status }) => status?.ephemeralContainerStatuses?.[0]?.state?.terminated !== undefined);
    expect(pod.status?.phase).toBe('Running');
    expect(pod.status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it('runs a command once, whose log can be read afterwards', async () => {
    expect((await k.run(['debug', 'patient', ...DEBUG, '-c', 'once', '--', 'sh', '-c', 'echo looked; exit 3'])).code).toBe(0);
    const ended = await k.until('patient', ({ status }) => status?.ephemeralContainerStatuses?.some(({ name, state }) => name === 'once' && state?.terminated !== undefined) === true);
    const status = ended.status?.ephemeralContainerStatuses?.find(({ name }) => name === 'once');
    expect(status).toMatchObject({ ready: false, restartCount: 0, state: { terminated: { exitCode: 3 } } });
    expect((await k.run(['logs', 'patient', '-c', 'once'])).stdout).toBe('looked\n');
    await expect.poll(async () => (await k.run(['get', 'events', '--field-selector=reason=Started', '-o=jsonpath={.items[*].involvedObject.fieldPath}'])).stdout, SOON).toContain('spec.ephemeralContainers{once}');
  });
});
