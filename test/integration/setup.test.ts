import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine, type EngineConnection } from '../../scripts/engine-api.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const LABEL = 'km.test.setup';

let engine: EngineConnection;

beforeAll(() => {
  engine = connectEngine(process.env);
});

afterAll(async () => {
  const filters = encodeURIComponent(JSON.stringify({ label: [LABEL] }));
  const left = JSON.parse((await engine.request('GET', `/containers/json?all=1&filters=${filters}`)).text) as { Id: string }[];
  for (const { Id } of left) await engine.request('DELETE', `/containers/${Id}?force=1&v=1`);
  engine.close();
});

async function start(body: object): Promise<string> {
  const created = await engine.request('POST', '/containers/create', { body: { ...body, Labels: { [LABEL]: '' } } });
  expect(created.status, created.text).toBe(201);
  const { Id } = JSON.parse(created.text) as { Id: string };
  const started = await engine.request('POST', `/containers/${Id}/start`);
  expect(started.status, started.text).toBe(204);
  return Id;
}

async function stateOf(id: string): Promise<{ Running: boolean; ExitCode: number; Pid: number }> {
  return (JSON.parse((await engine.request('GET', `/containers/${id}/json`)).text) as { State: { Running: boolean; ExitCode: number; Pid: number } }).State;
}

/** The processes that a container sees, as `STATE NAME`, without the `ps` itself. */
async function processes(id: string): Promise<string[]> {
  const exec = await engine.request('POST', `/containers/${id}/exec`, { body: { AttachStdout: true, Tty: true, Cmd: ['ps', '-o', 'stat,comm'] } });
  const { Id } = JSON.parse(exec.text) as { Id: string };
  const { text } = await engine.request('POST', `/exec/${Id}/start`, { body: { Tty: true } });
  return text.split(/\r?\n/).slice(1).map((line) => line.trim().split(/\s+/)).filter(([state, name]) => state !== '' && name !== 'ps').map(([state, name]) => `${state?.[0]} ${name}`).sort();
}

describe('the pause image', () => {
  test('is a program of at most a few kB without any library', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'km-pause-'));
    await run(join(root, 'docker/pause/build-context.sh'), [dir]);
    expect((await stat(join(dir, 'pause'))).size).toBeLessThan(4096);
    expect((await run('file', [join(dir, 'pause')]).catch(() => run('readelf', ['-l', join(dir, 'pause')]))).stdout).not.toMatch(/interpreter/);
    await rm(dir, { recursive: true });
  });

  test.each(['SIGTERM', 'SIGINT'])('ends with exit code 0 on %s', async (signal) => {
    const id = await start({ Image: 'km/pause:1' });
    expect((await stateOf(id)).Running).toBe(true);
    const ended = engine.request('POST', `/containers/${id}/wait`);
    const killer = connectEngine(process.env);
    await killer.request('POST', `/containers/${id}/kill?signal=${signal}`);
    killer.close();
    expect(JSON.parse((await ended).text)).toMatchObject({ StatusCode: 0 });
  });

  test('reaps what is orphaned to it', async () => {
    const pause = await start({ Image: 'km/pause:1' });
    // The inner shell ends at once: its children are orphans, and pause's from then on.
    const shell = await start({
      Image: 'busybox',
      Cmd: ['sh', '-c', 'sh -c "for i in 1 2 3 4 5; do sleep 0.2 & done"; exec sleep 60'],
      HostConfig: { PidMode: `container:${pause}` },
    });
    await expect.poll(() => processes(shell), { timeout: 10_000, interval: 50 }).toEqual(['S pause', 'S sleep']);
  });

  test('sleeps through all other signals', async () => {
    const id = await start({ Image: 'km/pause:1' });
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCHLD']) await engine.request('POST', `/containers/${id}/kill?signal=${signal}`);
    expect((await stateOf(id)).Running).toBe(true);
  });
});

describe('scripts/images.ts', () => {
  test('leaves images that are there as they are and says nothing', async () => {
    const ids = async (): Promise<string[]> =>
      Promise.all(['km/pause:1', 'busybox:latest', 'nginx:latest'].map(async (name) => (JSON.parse((await engine.request('GET', `/images/${name}/json`)).text) as { Id: string }).Id));
    const before = await ids();
    const { stdout } = await run(process.execPath, [join(root, 'scripts/images.ts')]);
    expect(stdout).toBe('');
    expect(await ids()).toEqual(before);
  });
});

describe('scripts/engine.sh', () => {
  const script = join(root, 'scripts/engine.sh');

  test('runs the command with the Engine of DOCKER_HOST, and with its exit code', async () => {
    const done = run(script, ['run', 'bash', '-c', 'echo "at $DOCKER_HOST"; exit 7'], { env: process.env });
    await expect(done).rejects.toMatchObject({ code: 7, stdout: `at ${process.env['DOCKER_HOST']}\n` });
  });

  test('says so when the Engine of DOCKER_HOST does not answer, and runs nothing', async () => {
    const done = run(script, ['run', 'echo', 'ran'], { env: { ...process.env, DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
    await expect(done).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('unix:///nowhere/docker.sock, and no Docker Engine answers') as string });
  });
});
