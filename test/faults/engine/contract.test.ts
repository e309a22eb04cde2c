/** The stand-in is held to what a real Engine does: the same calls against both, the same answers. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine, type ContainerConfig, type Engine, type EngineEvent } from '../../../src/docker/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { StandInEngine } from './stand-in-engine.ts';

const REAL = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
const RUN = randomBytes(4).toString('hex');
const LABEL = 'km.test.contract';

describe.each(['stand-in', 'real'] as const)('the %s Engine', (kind) => {
  let standIn: StandInEngine | undefined;
  let engine: Engine;
  let host: string;
  beforeAll(async () => {
    standIn = kind === 'real' ? undefined : await StandInEngine.start();
    host = standIn === undefined ? REAL : `unix://${standIn.socketPath}`;
    engine = connectEngine({ host, logger: silentLogger });
  });
  afterAll(async () => {
    for (const { id } of await engine.list({ [LABEL]: RUN })) await engine.remove(id);
    engine.close();
    await standIn?.[Symbol.asyncDispose]();
  });

  let number = 0;
  function config(script: string, more: Partial<ContainerConfig> = {}): ContainerConfig {
    return {
      name: `km-contract-${RUN}-${kind}-${number++}`, Image: 'busybox', Labels: { [LABEL]: RUN }, Entrypoint: ['sh', '-c', script], Cmd: [], Healthcheck: { Test: ['NONE'] },
      HostConfig: { RestartPolicy: { Name: 'no' }, LogConfig: { Type: 'json-file', Config: {} }, NetworkMode: 'default', IpcMode: 'shareable', OomScoreAdj: 0, CpuShares: 2, ShmSize: 2 ** 26 },
      ...more,
    };
  }
  const sleeper = (): ContainerConfig => config("trap 'exit 143' TERM; sleep 600 & wait");
  async function running(what = sleeper()): Promise<string> {
    const id = await engine.create(what);
    await engine.start(id);
    return id;
  }

  /** Status and Docker's words, ids and names taken out. */
  function raw(method: string, path: string, body?: object): Promise<{ status: number; message: string }> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: new URL(host).pathname, method, path: `/v1.41${path}`, headers: { 'content-type': 'application/json' } }, (answer) => {
        text(answer).then((all) => {
          const message = all.startsWith('{"message"') ? (JSON.parse(all) as { message: string }).message : '';
          resolve({ status: answer.statusCode ?? 0, message: message.replaceAll(/[0-9a-f]{64}/g, '<id>').replaceAll(/km-contract-[\w-]+/g, '<name>').trim() });
        }, reject);
      });
      asked.on('error', reject);
      asked.end(body === undefined ? '' : JSON.stringify(body));
    });
  }

  test('tells what it is', async () => {
    const { apiVersion, hostIsLocal, cpus, memoryBytes } = await engine.info();
    expect({ apiVersion, hostIsLocal }).toEqual({ apiVersion: '1.41', hostIsLocal: true });
    expect(cpus * memoryBytes).toBeGreaterThan(0);
  });

  test('a container is created, runs and ends with its code', async () => {
    const id = await engine.create(config("trap 'exit 7' TERM; echo out; echo err >&2; sleep 600 & wait"));
    const before = await engine.inspect(id);
    expect(before).toMatchObject({ id, status: 'created', running: false, pid: 0, exitCode: 0, error: '', tty: false, networkMode: 'default', ips: [], oomKilled: false, logPath: '' });
    expect([before.startedAt, before.finishedAt]).toEqual([undefined, undefined]);
    await engine.start(id);
    const meanwhile = await engine.inspect(id);
    expect(meanwhile).toMatchObject({ status: 'running', running: true, exitCode: 0 });
    expect(meanwhile.ips).toHaveLength(1);
    await expect.poll(() => engine.tailLog(id, { lines: 10, bytes: 100 }), { timeout: 20_000 }).toContain('out\n'); // then the trap is set
    const ended = engine.wait(id);
    await engine.kill(id, 'SIGTERM');
    expect(await ended).toBe(7);
    const after = await engine.inspect(id);
    expect(after).toMatchObject({ status: 'exited', running: false, pid: 0, exitCode: 7, ips: [] });
    expect(after.finishedAt).toBeGreaterThanOrEqual(after.startedAt ?? 0);
    expect(after.logPath).not.toBe('');
    await engine.remove(id);
    await expect(engine.inspect(id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('SIGTERM ends what has a trap for it, and is lost on what has none', async () => {
    const [trapped, deaf, ignoring] = [await running(), await running(config('sleep 600')), await running(config("trap '' TERM; sleep 600"))];
    const began = Date.now();
    await engine.stop(trapped, 30);
    expect(Date.now() - began).toBeLessThan(10_000);
    await Promise.all([engine.stop(deaf, 1), engine.stop(ignoring, 1)]);
    expect(await Promise.all([trapped, deaf, ignoring].map((id) => engine.wait(id)))).toEqual([143, 137, 137]);
  });

  test('what cannot be done is refused in the same words', async () => {
    const id = await running();
    const made = await engine.create(config('true'));
    const other = sleeper();
    const answers = {
      nameTaken: await raw('POST', `/containers/create?name=${(await engine.inspect(id)).name}`, { ...other, name: undefined }),
      noImage: await raw('POST', '/containers/create?name=nobody', { ...other, Image: 'no-such-image' }),
      noContainer: await raw('GET', '/containers/nobody/json'),
      startNobody: await raw('POST', '/containers/nobody/start'),
      startTwice: await raw('POST', `/containers/${id}/start`),
      stopCreated: await raw('POST', `/containers/${made}/stop?t=1`),
      killCreated: await raw('POST', `/containers/${made}/kill`),
      execCreated: await raw('POST', `/containers/${made}/exec`, { Cmd: ['true'] }),
      removeRunning: await raw('DELETE', `/containers/${id}`),
      noExec: await raw('GET', '/exec/nobody/json'),
      imageInspect: (await raw('GET', '/images/no-such-image/json')).status,
    };
    expect(answers).toEqual({
      nameTaken: { status: 409, message: 'Conflict. The container name "/<name>" is already in use by container "<id>". You have to remove (or rename) that container to be able to reuse that name.' },
      noImage: { status: 404, message: expect.stringMatching(/^No such image: no-such-image/) as string },
      noContainer: { status: 404, message: 'No such container: nobody' },
      startNobody: { status: 404, message: 'No such container: nobody' },
      startTwice: { status: 304, message: '' },
      stopCreated: { status: 304, message: '' },
      killCreated: { status: 409, message: 'Cannot kill container: <id>: Container <id> is not running' },
      execCreated: { status: 409, message: 'Container <id> is not running' },
      removeRunning: { status: 409, message: 'You cannot remove a running container <id>. Stop the container before attempting removal or force remove' },
      noExec: { status: 404, message: 'No such exec instance: nobody' },
      imageInspect: 404,
    });
  });

  test('a container joins a sandbox that runs, and no other', async () => {
    const sandbox = await running();
    const joined = (id: string): ContainerConfig => {
      const base = sleeper();
      return { ...base, HostConfig: { ...base.HostConfig, NetworkMode: `container:${id}`, IpcMode: `container:${id}` } };
    };
    const first = await running(joined(sandbox));
    expect(await engine.inspect(first)).toMatchObject({ networkMode: `container:${sandbox}`, ips: [] });
    const late = await engine.create(joined(sandbox));
    await engine.stop(sandbox, 5);
    expect(await raw('POST', `/containers/${late}/start`)).toEqual({ status: 409, message: 'cannot join network of a non running container: <id>' });
    expect((await engine.inspect(first)).running).toBe(true);
    await engine.remove(sandbox);
    expect((await raw('POST', `/containers/${late}/start`)).status).toBe(404);
    expect(await raw('POST', '/containers/create?name=orphan', { ...joined(sandbox), name: undefined })).toEqual({ status: 400, message: 'No such container: <id>' });
  });

  test('a program that is not there is the container\'s fault, and an end', async () => {
    const id = await engine.create({ ...config(''), Entrypoint: ['/no/such/program'] });
    await expect(engine.start(id)).rejects.toMatchObject({ code: 'workload' });
    const { status, running: runs, exitCode, error, startedAt } = await engine.inspect(id);
    expect({ status, runs, exitCode, startedAt }).toEqual({ status: 'created', runs: false, exitCode: 127, startedAt: undefined });
    expect(error).not.toBe('');
  });

  test('the same labels find the same containers, newest first', async () => {
    const mark = randomBytes(4).toString('hex');
    const ids: string[] = [];
    for (const more of [{}, { role: 'a' }, { role: 'b' }]) {
      const base = config('true');
      ids.push(await engine.create({ ...base, Labels: { ...base.Labels, mark, ...more } }));
    }
    const found = async (labels: Record<string, string>): Promise<number[]> => (await engine.list(labels)).map(({ id }) => ids.indexOf(id)).sort();
    expect([await found({ mark }), await found({ mark, role: '' }), await found({ mark, role: 'b' }), await found({ mark, role: 'c' })]).toEqual([[0, 1, 2], [1, 2], [2], []]);
  });

  test('events come in order, those of the past too', async () => {
    const mark = randomBytes(4).toString('hex');
    const base = config("trap 'exit 143' TERM; sleep 600 & wait");
    const id = await engine.create({ ...base, Labels: { ...base.Labels, mark } });
    const live: EngineEvent[] = [];
    const follow = async (since?: bigint): Promise<EngineEvent[]> => {
      const seen: EngineEvent[] = [];
      const stop = new AbortController();
      const deadline = setTimeout(() => stop.abort(), 10_000);
      for await (const event of engine.events({ labels: { mark }, signal: stop.signal, ...(since === undefined ? {} : { since }) })) {
        seen.push(event);
        if (since === undefined) live.push(event);
        if (event.action === 'destroy') break;
      }
      clearTimeout(deadline);
      return seen;
    };
    const opened = Promise.withResolvers<void>();
    const stop = new AbortController();
    const following = (async () => {
      for await (const event of engine.events({ labels: { mark }, signal: stop.signal, onOpen: opened.resolve })) {
        live.push(event);
        if (event.action === 'destroy') return;
      }
    })();
    await opened.promise;
    await engine.start(id);
    await engine.stop(id, 5);
    await engine.remove(id);
    await following;
    expect(live.map(({ action }) => action)).toEqual(['start', 'die', 'destroy']);
    expect(live.every((event) => event.id === id && event.labels.mark === mark)).toBe(true);
    const again = await follow(live[0]?.timeNano ?? 0n);
    expect(again.map(({ action, timeNano }) => [action, timeNano])).toEqual(live.map(({ action, timeNano }) => [action, timeNano]));
  });

  test('a command in a container gives its output and its code', async () => {
    const id = await running();
    expect(await engine.exec(id, ['sh', '-c', 'echo hello; exit 3'], { timeoutMs: 10_000 })).toEqual({ exitCode: 3, output: 'hello\n' });
    expect((await engine.exec(id, ['true'], { timeoutMs: 10_000 })).exitCode).toBe(0);
    expect((await engine.exec(id, ['no-such-program'], { timeoutMs: 10_000 })).exitCode).toBe(126);
    await engine.kill(id);
    await engine.wait(id);
    await expect(engine.exec(id, ['true'], { timeoutMs: 10_000 })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a removal under way refuses a second one, which is success for us', async () => {
    const id = await running();
    await Promise.all([engine.remove(id), engine.remove(id), engine.remove(id)]);
    await expect(engine.inspect(id)).rejects.toMatchObject({ code: 'not-found' });
    await engine.remove(id);
    await engine.stop(id, 1);
    await engine.kill(id);
  });

  test('what is mounted is written to', async () => {
    const made = config('echo x >>/shared/file; sleep 0.01');
    const volume = `/tmp/km-contract-${RUN}-${kind}`;
    const { mkdir, readFile, rm } = await import('node:fs/promises');
    await mkdir(volume);
    const id = await running({ ...made, HostConfig: { ...made.HostConfig, Binds: [`${volume}:/shared`] } });
    expect(await engine.wait(id)).toBe(0);
    expect(await readFile(`${volume}/file`, 'utf8')).toBe('x\n');
    await rm(volume, { recursive: true });
  });
});
