import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { connectEngine, containerConfig, createWithUniqueName, NameConflict, type Engine, type EngineEvent } from '../../../src/docker/index.ts';
import { KmError } from '../../../src/base/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { aContainer } from './a-pod.ts';
import { FakeEngine, json } from './fake-engine.ts';

async function withEngine(fake: FakeEngine, run: (engine: Engine) => Promise<void>, requestTimeoutMs = 60_000): Promise<void> {
  await using stopped = fake;
  const engine = connectEngine({ host: stopped.host, logger: silentLogger, requestTimeoutMs });
  try {
    await run(engine);
  } finally {
    engine.close();
  }
}

const EMPTY_LIST = (_asked: unknown, response: Parameters<typeof json>[0]): void => json(response, 200, []);

describe('speaking with the Engine', () => {
  it('asks for the version once and goes on in that one, over one connection', async () => {
    const fake = await FakeEngine.start(EMPTY_LIST);
    await withEngine(fake, async (engine) => {
      for (let i = 0; i < 20; i++) await engine.list({});
      expect(fake.asked.map(({ url }) => url.split('?')[0])).toEqual(['/version', ...Array<string>(20).fill('/v1.41/containers/json')]);
      expect(fake.connections).toBe(1);
    });
  });

  it('speaks the oldest version that a newer Engine still serves', async () => {
    const fake = await FakeEngine.start(EMPTY_LIST);
    fake.version = { Version: '29.0.0', ApiVersion: '1.52', MinAPIVersion: '1.44' };
    await withEngine(fake, async (engine) => {
      await engine.list({});
      expect(fake.asked[1]?.url).toMatch(/^\/v1\.44\//);
    });
  });

  it('is unavailable while the Engine is away, and works when it is back', async () => {
    const fake = await FakeEngine.start(EMPTY_LIST);
    await withEngine(fake, async (engine) => {
      await fake.stop();
      await expect(engine.list({})).rejects.toMatchObject({ code: 'unavailable' });
      await fake.listen();
      expect(await engine.list({})).toEqual([]);
      await fake.stop();
      await expect(engine.list({})).rejects.toMatchObject({ code: 'unavailable' });
      await fake.listen();
      expect(await engine.list({})).toEqual([]);
    });
  });

  it('does not put what a container holds into the URL, where proxies and logs see it', async () => {
    const fake = await FakeEngine.start((_asked, response) => json(response, 201, { Id: 'new-id' }));
    await withEngine(fake, async (engine) => {
      const config = containerConfig(aContainer({ env: ['PASSWORD=secret'] }));
      expect(await engine.create(config)).toBe('new-id');
      const { url, body } = fake.asked[1] ?? { url: '', body: '' };
      expect(url).toBe(`/v1.41/containers/create?name=${config.name}`);
      expect(JSON.parse(body)).toEqual({ ...JSON.parse(JSON.stringify(config)), name: undefined });
    });
  });

  it('counts the bytes of images as the kubelet does, also where the Engine has one word for them', async () => {
    const fake = await FakeEngine.start((_asked, response) => json(response, 200, [{ Id: 'a', Size: 5, VirtualSize: 700 }, { Id: 'b', Size: 30 }]));
    await withEngine(fake, async (engine) => {
      expect(await engine.imageBytes()).toBe(730);
      expect(fake.asked.at(-1)?.url).toBe('/v1.41/images/json');
    });
  });

  it('ends a call when its caller does, whatever the Engine does', async () => {
    const fake = await FakeEngine.start(() => undefined);
    await withEngine(fake, async (engine) => {
      await engine.list({}, AbortSignal.abort()).catch(() => undefined);
      const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
        (signal) => engine.info(signal),
        (signal) => engine.list({}, signal),
        (signal) => engine.inspect('a', signal),
        (signal) => engine.create(containerConfig(aContainer()), signal),
        (signal) => engine.start('a', signal),
        (signal) => engine.stop('a', 1, signal),
        (signal) => engine.kill('a', 'SIGTERM', signal),
        (signal) => engine.remove('a', signal),
        (signal) => engine.wait('a', signal),
        (signal) => engine.image('a', signal),
        (signal) => engine.imageBytes(signal),
        (signal) => engine.pull('a', { signal }),
        (signal) => engine.exec('a', ['true'], { timeoutMs: 60_000, signal }),
        (signal) => engine.tailLog('a', { lines: 1, bytes: 1 }, signal),
      ];
      for (const call of calls) {
        const abort = new AbortController();
        const before = fake.asked.length;
        const running = call(abort.signal);
        running.catch(() => undefined);
        await expect.poll(() => fake.asked.length, { interval: 1 }).toBeGreaterThan(before);
        abort.abort();
        await expect(running).rejects.toMatchObject({ code: 'aborted' });
      }
    });
  });

  const BOUNDED: readonly [string, (engine: Engine) => Promise<unknown>][] = [
    ['info', (engine) => engine.info()],
    ['ping', (engine) => engine.ping()],
    ['list', (engine) => engine.list({})],
    ['inspect', (engine) => engine.inspect('a')],
    ['create', (engine) => engine.create(containerConfig(aContainer()))],
    ['start', (engine) => engine.start('a')],
    ['stop', (engine) => engine.stop('a', 0)],
    ['kill', (engine) => engine.kill('a')],
    ['remove', (engine) => engine.remove('a')],
    ['image', (engine) => engine.image('a')],
    ['imageBytes', (engine) => engine.imageBytes()],
    ['tailLog', (engine) => engine.tailLog('a', { lines: 1, bytes: 1 })],
    ['events', async (engine) => { for await (const _ of engine.events({ labels: {}, signal: new AbortController().signal })) continue; }],
  ];

  it.each(BOUNDED)('gives up a call that is never answered, and its connection: %s', async (_name, call) => {
    const open = new Set<unknown>();
    const fake = await FakeEngine.start((_asked, response) => {
      open.add(response);
      response.on('close', () => open.delete(response));
    });
    await withEngine(fake, async (engine) => {
      await expect(call(engine)).rejects.toMatchObject({ code: 'timeout', message: 'no answer of the Docker Engine within 0.2 s' });
      expect(fake.asked).toHaveLength(2);
      await expect.poll(() => open.size).toBe(0);
    }, 200);
  });

  it('gives a container the time to stop that it was given', async () => {
    const fake = await FakeEngine.start((_asked, response) => setTimeout(() => response.writeHead(204).end(), 600));
    await withEngine(fake, (engine) => engine.stop('a', 1), 200);
  });

  it('gives up asking for the version, and asks again', async () => {
    const fake = await FakeEngine.start(EMPTY_LIST);
    const { version } = fake;
    fake.version = undefined;
    await withEngine(fake, async (engine) => {
      await expect(engine.list({})).rejects.toMatchObject({ code: 'timeout' });
      fake.version = version;
      await expect.poll(() => engine.list({}).catch(() => 'not yet')).toEqual([]);
    }, 200);
  });

  it('ends what waits when it is closed, and all that comes later', async () => {
    const fake = await FakeEngine.start(() => undefined);
    await withEngine(fake, async (engine) => {
      const waiting = engine.inspect('a');
      const seen = expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
      await expect.poll(() => fake.asked.length).toBe(2);
      engine.close();
      await seen;
      await expect(engine.inspect('a')).rejects.toMatchObject({ code: 'unavailable' });
      expect(fake.asked).toHaveLength(2);
    });
  });

  it('leaves nothing on a signal that outlives many calls', async () => {
    const fake = await FakeEngine.start(EMPTY_LIST);
    await withEngine(fake, async (engine) => {
      const { signal } = new AbortController();
      for (let i = 0; i < 50; i++) await engine.list({}, signal);
      await expect.poll(() => getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
    });
  });

  it('waits for an exit code that comes late', async () => {
    let looks = 0;
    const fake = await FakeEngine.start(({ url }, response) => {
      if (url.includes('/containers/')) return json(response, 201, { Id: 'exec-1' });
      if (url.includes('/start')) return void response.writeHead(200).end();
      looks++;
      json(response, 200, looks < 4 ? { Running: looks < 3, ExitCode: null, Pid: 0 } : { Running: false, ExitCode: 9, Pid: 0 });
    });
    await withEngine(fake, async (engine) => {
      expect(await engine.exec('a', ['true'], { timeoutMs: 60_000 })).toEqual({ exitCode: 9, output: '' });
      expect(looks).toBe(4);
    });
  });
});

describe('the event stream', () => {
  const line = (action: string, nano: number): string =>
    `${JSON.stringify({ Type: 'container', Action: action, Actor: { ID: 'c', Attributes: {} }, timeNano: 0 }).replace('"timeNano":0', `"timeNano":17000000000000000${nano}`)}\n`;

  it('passes on what came before it broke, then fails', async () => {
    const fake = await FakeEngine.start((_asked, response) => {
      response.writeHead(200);
      response.write(line('start', 10));
      response.write(line('die', 11), () => setImmediate(() => response.destroy()));
    });
    await withEngine(fake, async (engine) => {
      const got: EngineEvent[] = [];
      const reading = (async () => {
        for await (const event of engine.events({ labels: { a: 'b', c: '' }, since: 1_700_000_000_000_000_009n, signal: new AbortController().signal })) got.push(event);
      })();
      await expect(reading).rejects.toMatchObject({ code: 'unavailable' });
      expect(got.map(({ action, timeNano }) => [action, timeNano])).toEqual([
        ['start', 1_700_000_000_000_000_010n],
        ['die', 1_700_000_000_000_000_011n],
      ]);
      const query = new URLSearchParams(fake.asked[1]?.url.split('?')[1]);
      expect(query.get('since')).toBe('1700000000.000000009');
      expect(JSON.parse(query.get('filters') ?? '')).toMatchObject({ type: ['container'], label: ['a=b', 'c'] });
    });
  });

  it('fails too when the Engine ends it politely', async () => {
    const fake = await FakeEngine.start((_asked, response) => void response.writeHead(200).end(line('start', 10)));
    await withEngine(fake, async (engine) => {
      const read = async (): Promise<void> => {
        for await (const event of engine.events({ labels: {}, signal: new AbortController().signal })) void event;
      };
      await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
});

describe('a name that is taken', () => {
  const config = containerConfig(aContainer());
  const conflict = new NameConflict('in use', 'other');

  it('by a container that Docker itself does not know gets a suffix', async () => {
    const names: string[] = [];
    const engine = {
      create: async ({ name }: { name: string }) => {
        names.push(name);
        if (name === config.name) throw conflict;
        return 'id';
      },
      inspect: async () => {
        throw new KmError('not-found', 'No such container: other');
      },
      remove: async () => undefined,
    };
    expect(await createWithUniqueName(engine, config)).toBe('id');
    expect(names[1]).toMatch(new RegExp(`^${config.name}_[0-9a-f]{8}$`));
  });

  it('stays taken when nobody can say by whom', async () => {
    const engine = {
      create: async () => {
        throw conflict;
      },
      inspect: async () => {
        throw new KmError('unavailable', 'away');
      },
      remove: async () => undefined,
    };
    await expect(createWithUniqueName(engine, config)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

it('connecting loads neither gRPC nor SSH', async () => {
  const script = `
    const { connectEngine } = await import('./src/docker/index.ts');
    const engine = connectEngine({ host: 'unix:///no/such/socket', logger: { debug() {} } });
    await engine.list({}).catch(() => undefined);
    const { createRequire } = await import('node:module');
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify([loaded.some((file) => file.includes('/dockerode/')), loaded.filter((file) => /grpc|ssh2|protobufjs/.test(file))]));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  expect(JSON.parse(stdout)).toEqual([true, []]);
});
