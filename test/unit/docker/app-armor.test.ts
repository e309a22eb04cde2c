import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hostAppArmor } from '../../../src/docker/index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'km-app-armor-'));
});
afterEach(() => rm(root, { recursive: true }));

async function host(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

const ENABLED = { 'sys/module/apparmor/parameters/enabled': 'Y\n', 'sbin/apparmor_parser': '' };
const PROFILES = { 'sys/kernel/security/apparmor/profiles': 'docker-default (enforce)\n:lxd://web (complain)\n/usr/bin/man (enforce)\nodd line\n' };

it('knows the profiles that are loaded', async () => {
  await host({ ...ENABLED, ...PROFILES });
  expect(await hostAppArmor(root)).toEqual(new Set(['docker-default', ':lxd://web', '/usr/bin/man']));
});

it.each<[string, Record<string, string>]>([
  ['at all', {}],
  ['enabled', { ...ENABLED, ...PROFILES, 'sys/module/apparmor/parameters/enabled': 'N\n' }],
  ['mounted', ENABLED],
])('says so where there is none %s', async (_what, files) => {
  await host(files);
  expect(await hostAppArmor(root)).toBe('AppArmor is not enabled on the host');
});

it('says so where nobody may read it', async () => {
  await host({ ...ENABLED, 'sys/kernel/security/apparmor/profiles/x': '' });
  expect(await hostAppArmor(root)).toBe('could not read loaded profiles: EISDIR');
});
