import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PullSecret, RegistryCredentials } from '../../../../src/docker/index.ts';
import type { Logger } from '../../../../src/telemetry/index.ts';

const never = new AbortController().signal;
const IMAGE = 'reg.example.com/team/app:1';
let dir: string;
let log: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-credentials-'));
  log = [];
});
afterEach(() => rm(dir, { recursive: true }));

/** A node with these files below a directory of its own, whose root directory is `root`. */
async function node(files: Record<string, unknown> = {}, env: Record<string, string> = {}): Promise<RegistryCredentials> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), typeof content === 'string' ? content : JSON.stringify(content), { mode: path.startsWith('bin/') ? 0o755 : 0o600 });
  }
  const warn = (message: string, details: object): void => void log.push(`${message} ${JSON.stringify(details)}`);
  const logger = { warn } as unknown as Logger;
  return new RegistryCredentials({ rootDir: join(dir, 'root'), env: { HOME: join(dir, 'home'), PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, ...env }, logger });
}

const entry = (username: string): object => ({ 'reg.example.com': { username, password: 'secret-1' } });
const secret = (username: string, type = 'kubernetes.io/dockerconfigjson'): PullSecret => ({
  name: 's',
  type,
  data: new Map([['.dockerconfigjson', Buffer.from(JSON.stringify({ auths: entry(username) }))], ['.dockercfg', Buffer.from(JSON.stringify(entry(username)))]]),
});
const users = async (of: Promise<readonly { username?: string }[]>): Promise<unknown> => (await of).map(({ username }) => username);

describe('the files of the node', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['none', {}, []],
    ["the root directory's config.json", { 'root/config.json': { auths: entry('root') }, 'home/.docker/config.json': { auths: entry('home') } }, ['root']],
    ['$DOCKER_CONFIG', { 'docker/config.json': { auths: entry('docker') }, 'home/.docker/config.json': { auths: entry('home') } }, ['docker']],
    ['~/.docker', { 'home/.docker/config.json': { auths: entry('home') }, 'root/.dockercfg': entry('old') }, ['home']],
    ['.dockercfg', { 'root/.dockercfg': entry('old') }, ['old']],
    ['~/.dockercfg', { 'home/.dockercfg': entry('old home') }, ['old home']],
    ['the next one behind one that is broken', { 'root/config.json': '{"auths": secret-1', 'home/.docker/config.json': { auths: entry('home') } }, ['home']],
  ])('%s', async (_what, files, wanted) => {
    expect(await users((await node(files, { DOCKER_CONFIG: join(dir, 'docker') })).of(IMAGE, [], never))).toEqual(wanted);
    expect(log.join()).not.toContain('secret-1');
    expect(log).toHaveLength(files['root/config.json'] === '{"auths": secret-1' ? 1 : 0);
  });

  it('are read anew for each pull', async () => {
    const credentials = await node({ 'root/config.json': { auths: entry('before') } });
    expect(await users(credentials.of(IMAGE, [], never))).toEqual(['before']);
    await node({ 'root/config.json': { auths: entry('after') } });
    expect(await users(credentials.of(IMAGE, [], never))).toEqual(['after']);
  });
});

describe('secrets', () => {
  it('come before what the node has, in both forms', async () => {
    const credentials = await node({ 'root/config.json': { auths: entry('node') } });
    expect(await users(credentials.of(IMAGE, [secret('new'), secret('old', 'kubernetes.io/dockercfg')], never))).toEqual(['new', 'old', 'node']);
  });

  it('of another type say nothing', async () => {
    expect(await users((await node()).of(IMAGE, [secret('x', 'Opaque')], never))).toEqual([]);
  });

  it('that are not what their type says fail the pull, by name', async () => {
    const broken = { name: 'mine', type: 'kubernetes.io/dockercfg', data: new Map([['.dockercfg', Buffer.from('secret-1')]]) };
    await expect((await node()).of(IMAGE, [broken], never)).rejects.toMatchObject({ code: 'invalid', message: 'secret "mine", .dockercfg: no JSON' });
  });
});

describe('credential helpers', () => {
  const config = { credHelpers: { 'reg.example.com': 'test' }, auths: entry('file') };
  const helper = (script: string): Record<string, unknown> => ({ 'root/config.json': config, 'bin/docker-credential-test': `#!/bin/sh\n${script}\n` });

  it('are asked for their registry, before the file', async () => {
    const credentials = await node(helper('read registry; echo "{\\"Username\\":\\"$1 $registry\\",\\"Secret\\":\\"secret-1\\"}"'));
    expect(await users(credentials.of(IMAGE, [], never))).toEqual(['get reg.example.com', 'file']);
    expect(await users(credentials.of('other.example.com/app', [], never))).toEqual([]);
  });

  it('credsStore is asked for all others, Docker Hub under its old name', async () => {
    const files = helper('read registry; echo "{\\"Username\\":\\"$registry\\",\\"Secret\\":\\"secret-1\\"}"');
    const credentials = await node({ ...files, 'root/config.json': { credsStore: 'test' } });
    expect(await users(credentials.of('nginx', [], never))).toEqual(['https://index.docker.io/v1/']);
  });

  it('may give an identity token', async () => {
    const credentials = await node(helper(`echo '{"Username":"<token>","Secret":"secret-1"}'`));
    expect(await credentials.of(IMAGE, [], never)).toEqual([{ identityToken: 'secret-1' }, { username: 'file', password: 'secret-1' }]);
  });

  it.each([
    ['knows nothing', "echo 'credentials not found in native keychain'; exit 1", undefined],
    ['fails', 'echo secret-1; echo secret-1 >&2; exit 3', 'exit code 3'],
    ['prints something else', 'echo secret-1', 'printed no JSON'],
    ['prints null', 'echo null', 'printed no Username and Secret'],
    ['does not read', `exec 0<&-; echo '{"Username":"","Secret":""}'`, undefined],
  ])('one that %s leaves the rest, and nothing of its output in the log', async (_what, script, told) => {
    expect(await users((await node(helper(script))).of(IMAGE, [], never))).toEqual(['file']);
    expect(log).toEqual(told === undefined ? [] : [expect.stringContaining(told)]);
    expect(log.join()).not.toContain('secret-1');
  });

  it('one that is not there, or is no name of a program, is told', async () => {
    const credentials = await node({ 'root/config.json': { credsStore: '../evil' } });
    expect(await credentials.of(IMAGE, [], never)).toEqual([]);
    await node({ 'root/config.json': { credsStore: 'absent' } });
    expect(await credentials.of(IMAGE, [], never)).toEqual([]);
    expect(log).toEqual([expect.stringContaining('without a path'), expect.stringContaining('ENOENT')]);
  });

  it('one that hangs ends with the pull', async () => {
    const abort = new AbortController();
    const asked = (await node(helper(`touch ${dir}/started; exec sleep 600`))).of(IMAGE, [], abort.signal);
    const ended = expect(asked).rejects.toMatchObject({ code: 'aborted' });
    await vi.waitFor(() => access(join(dir, 'started')), { timeout: 10_000 });
    abort.abort();
    await ended;
  });
});
