import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { connectEngine, type Engine } from '../../../src/docker/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { FakeEngine } from './fake-engine.ts';

/** The head and the first half of an answer, then the connection breaks: what a dockerd that is killed leaves. */
function cut(status: number) {
  return (_asked: unknown, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': 1000 });
    response.write('[{"Id":"half', () => response.destroy());
  };
}

const calls: [string, (engine: Engine) => Promise<unknown>][] = [
  ['list', (engine) => engine.list({})],
  ['inspect', (engine) => engine.inspect('a')],
  ['start', (engine) => engine.start('a')],
  ['stop', (engine) => engine.stop('a', 1)],
  ['remove', (engine) => engine.remove('a')],
  ['image', (engine) => engine.image('busybox')],
  ['info', (engine) => engine.info()],
  ['pull', (engine) => engine.pull('busybox')],
  ['tailLog', (engine) => engine.tailLog('a', { lines: 1, bytes: 1 })],
];

it.each(calls.flatMap(([name, call]) => [200, 500].map((status) => [name, status, call] as const)))(
  '%s ends when its answer (%i) breaks off',
  async (_name, status, call) => {
    await using fake = await FakeEngine.start(cut(status));
    const engine = connectEngine({ host: fake.host, logger: silentLogger });
    try {
      await expect(call(engine)).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      engine.close();
    }
  },
  3_000,
);
