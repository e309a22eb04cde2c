import { afterAll, expect, it } from 'vitest';
import { connectEngine, type EngineEvent } from '../../../src/docker/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
afterAll(() => us[Symbol.asyncDispose]());

/** Follows the stream in the background; `stop` ends it and resolves when it has ended. */
async function follow(since?: bigint): Promise<{ events: EngineEvent[]; stop: () => Promise<void> }> {
  const events: EngineEvent[] = [];
  const abort = new AbortController();
  const opened = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const event of engine.events({ labels: us.labels, signal: abort.signal, onOpen: opened.resolve, ...(since !== undefined && { since }) })) events.push(event);
  })();
  await Promise.race([opened.promise, reading]);
  return {
    events,
    stop: () => {
      abort.abort();
      return reading;
    },
  };
}

it('events tell of every step of a container, in order, and of nobody else’s', async () => {
  const before = BigInt(Date.now()) * 1_000_000n;
  await using others = new TryEngine();
  const stream = await follow();
  await others.shell('exit 0');
  const id = await us.shell('exit 3');
  await engine.wait(id);
  await engine.remove(id);
  await expect.poll(() => stream.events.filter((event) => event.id === id).map(({ action }) => action)).toEqual(['create', 'start', 'die', 'destroy']);
  await stream.stop();
  const end = stream.events.find((event) => event.id === id && event.action === 'die');
  expect(end?.labels).toMatchObject({ exitCode: '3', 'io.kubernetes.container.name': 'main' });
  expect(end?.timeNano).toBeGreaterThan(before);
  expect(stream.events.every(({ labels }) => labels['km.mesos.task-id'] === us.taskId)).toBe(true);
});

it('a stream that resumes gets what happened while there was none', async () => {
  const first = await follow();
  const id = await us.shell('sleep 1000');
  await expect.poll(() => first.events.at(-1)?.action).toBe('start');
  const last = first.events.at(-1) as EngineEvent;
  await first.stop();
  await engine.stop(id, 0);

  const second = await follow(last.timeNano);
  await expect.poll(() => second.events.map(({ action, id: of }) => [action, of])).toEqual([
    ['start', id],
    ['die', id],
  ]);
  await second.stop();
});

it('a stream ends with an error when its Engine goes away, and without one when it is told to end', async () => {
  const stream = await follow();
  await stream.stop();
  const another = connectEngine({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', logger: silentLogger });
  const opened = Promise.withResolvers<void>();
  const never = new AbortController();
  const reading = (async () => {
    for await (const event of another.events({ labels: us.labels, signal: never.signal, onOpen: opened.resolve })) void event;
  })();
  await opened.promise;
  another.close();
  await expect(reading).rejects.toMatchObject({ code: 'unavailable' });
});
