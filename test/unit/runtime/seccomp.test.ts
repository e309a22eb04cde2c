import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { seccompContent } from '../../../src/runtime/seccomp.ts';
import { container, pod } from '../pod/samples.ts';

let rootDir: string;
beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'km-seccomp-'));
  await mkdir(join(rootDir, 'seccomp/team'), { recursive: true });
  await writeFile(join(rootDir, 'seccomp/team/web.json'), '{"defaultAction": "SCMP_ACT_ALLOW", "n": 18446744073709551615}\n');
  await writeFile(join(rootDir, 'seccomp/broken.json'), 'not for logs');
});
afterEach(() => rm(rootDir, { recursive: true }));

const content = (localhostProfile?: string): Promise<string | undefined> => {
  const web = container('web', localhostProfile === undefined ? {} : { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile } } });
  return seccompContent(rootDir, pod({ containers: [web] }), web);
};

it('is the file below the folder of profiles, digit for digit', async () => {
  expect(await content('team/web.json')).toContain('18446744073709551615');
});

it('is nothing for a container that names none', async () => {
  expect(await content()).toBeUndefined();
});

it.each([
  ['absent.json', 'ENOENT'],
  ['team', 'EISDIR'],
  ['broken.json', 'no JSON'],
])('cannot be %s', async (name, why) => {
  await expect(content(name)).rejects.toMatchObject({ code: 'workload', message: `cannot load seccomp profile "${join(rootDir, 'seccomp', name)}": ${why}` });
});
