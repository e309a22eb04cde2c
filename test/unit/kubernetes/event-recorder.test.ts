import { describe, expect, it } from 'vitest';
import { EventRecorder, type EventSubject } from '../../../src/kubernetes/index.ts';
import { silentLogger, type Logger } from '../../../src/telemetry/index.ts';
import { FastClock } from './fast-clock.ts';
import { answer, refuse, ScriptedApi, until, type Script } from './scripted-api.ts';

const nginx: EventSubject = { uid: 'u1', namespace: 'web', name: 'nginx' };
const accept: Script = (request, response) => answer(response, 201, request.body ?? {});

interface EventBody {
  metadata: { name: string; namespace: string };
  involvedObject: object;
  reason: string;
  message: string;
  count: number;
}

class Scene implements AsyncDisposable {
  readonly clock = new FastClock();
  readonly warnings: string[] = [];
  readonly api: ScriptedApi;
  readonly recorder: EventRecorder;

  constructor(api: ScriptedApi) {
    this.api = api;
    const logger: Logger = { ...silentLogger, warn: (message) => this.warnings.push(message) };
    this.recorder = new EventRecorder({ client: api.client(), host: 'n1', logger, clock: this.clock });
  }

  static async of(script: Script): Promise<Scene> {
    return new Scene(await ScriptedApi.start(script));
  }

  get bodies(): EventBody[] {
    return this.api.requests.map(({ body }) => body as EventBody);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recorder.stop();
    await this.api[Symbol.asyncDispose]();
  }
}

/** Waits for the writes (`flush` would be over at once with a clock that jumps). */
async function written(scene: Scene, requests: number): Promise<void> {
  await until(() => scene.api.requests.length >= requests, `${requests} requests`);
}

describe('an event', () => {
  it('looks as the kubelet writes it', async () => {
    await using scene = await Scene.of(accept);
    scene.recorder.event(nginx, 'Normal', 'Started', 'Started container nginx', { fieldPath: 'spec.containers{nginx}' });
    await written(scene, 1);
    expect(scene.api.calls).toEqual(['POST /api/v1/namespaces/web/events']);
    expect(scene.bodies[0]).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^nginx\.[0-9a-f]{16}$/) as string, namespace: 'web' },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'web', name: 'nginx', uid: 'u1', fieldPath: 'spec.containers{nginx}' },
      reason: 'Started',
      message: 'Started container nginx',
      source: { component: 'kubelet', host: 'n1' },
      firstTimestamp: '2027-01-15T08:00:00Z',
      lastTimestamp: '2027-01-15T08:00:00Z',
      count: 1,
      type: 'Normal',
    });
  });

  it('about the node is in the default namespace', async () => {
    await using scene = await Scene.of(accept);
    scene.recorder.event({ node: 'n1' }, 'Normal', 'NodeReady', 'Node n1 status is now: NodeReady');
    await written(scene, 1);
    expect(scene.bodies[0]).toMatchObject({ metadata: { namespace: 'default' }, involvedObject: { kind: 'Node', name: 'n1', uid: 'n1' } });
  });

  it('that happens again raises the count of the first one', async () => {
    await using scene = await Scene.of(accept);
    for (let i = 1; i <= 3; i++) {
      scene.recorder.event(nginx, 'Warning', 'BackOff', 'Back-off restarting failed container');
      await written(scene, i);
      scene.clock.advance(10_000);
    }
    const name = scene.bodies[0]?.metadata.name;
    expect(scene.api.calls).toEqual(['POST /api/v1/namespaces/web/events', `PATCH /api/v1/namespaces/web/events/${name}`, `PATCH /api/v1/namespaces/web/events/${name}`]);
    expect(scene.bodies[2]).toEqual({ count: 3, message: 'Back-off restarting failed container', lastTimestamp: '2027-01-15T08:00:20Z' });
  });

  it('that happens often before it is written is written once', async () => {
    await using scene = await Scene.of(accept);
    for (let i = 0; i < 5; i++) scene.recorder.event(nginx, 'Warning', 'BackOff', 'x');
    await written(scene, 1);
    expect(scene.bodies.map(({ count }) => count)).toEqual([5]);
  });

  it('keeps its place in the order', async () => {
    await using scene = await Scene.of(accept);
    const reasons = ['Scheduled', 'Pulled', 'Created', 'Started', 'Killing'];
    for (const reason of reasons) scene.recorder.event(nginx, 'Normal', reason, reason);
    await written(scene, 5);
    expect(scene.bodies.map(({ reason }) => reason)).toEqual(reasons);
    expect(new Set(scene.bodies.map(({ metadata }) => metadata.name)).size).toBe(5);
  });

  it('that differs only in its message is combined with its like after ten', async () => {
    await using scene = await Scene.of(accept);
    for (let i = 0; i < 13; i++) {
      scene.recorder.event(nginx, 'Warning', 'Unhealthy', `Readiness probe failed: ${i}`);
      await written(scene, i + 1);
    }
    const calls = scene.api.requests.map(({ method }) => method);
    expect(calls).toEqual([...Array<string>(11).fill('POST'), 'PATCH', 'PATCH']);
    expect(scene.bodies[10]?.message).toBe('(combined from similar events): Readiness probe failed: 10');
    expect(scene.bodies[12]).toMatchObject({ count: 3, message: '(combined from similar events): Readiness probe failed: 12' });
  });

  it('of a pod that talks too much is dropped, those of another are not', async () => {
    await using scene = await Scene.of(accept);
    for (let i = 0; i < 40; i++) scene.recorder.event(nginx, 'Normal', `Reason${i}`, 'x');
    scene.recorder.event({ ...nginx, uid: 'u2', name: 'other' }, 'Normal', 'Started', 'x');
    await written(scene, 26);
    expect(scene.bodies.slice(0, 25).every(({ metadata }) => metadata.name.startsWith('nginx.'))).toBe(true);
    expect(scene.bodies[25]?.metadata.name).toMatch(/^other\./);
    scene.clock.advance(300_000);
    scene.recorder.event(nginx, 'Normal', 'Later', 'x');
    await written(scene, 27);
    expect(scene.bodies[26]?.reason).toBe('Later');
  });

  it('is written when the API is back', async () => {
    await using scene = await Scene.of(accept);
    await scene.api.away();
    scene.recorder.event(nginx, 'Normal', 'Started', 'x');
    scene.recorder.event(nginx, 'Normal', 'Killing', 'y');
    await until(() => scene.clock.pauses.length >= 5, 'five tries');
    await scene.api.listen();
    await written(scene, 2);
    expect(scene.bodies.map(({ reason }) => reason)).toEqual(['Started', 'Killing']);
  });

  it('is dropped, with a word in the log, when the API stays away', async () => {
    await using scene = await Scene.of(accept);
    await scene.api.away();
    scene.recorder.event(nginx, 'Normal', 'Started', 'x');
    await until(() => scene.warnings.length > 0, 'it is dropped');
    expect(scene.clock.pauses.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(590_000);
  });

  it.each([
    [403, 'Forbidden'],
    [404, 'NotFound'],
    [422, 'Invalid'],
  ])('that the API will never take (%i) does not hold up the next', async (code, reason) => {
    await using scene = await Scene.of((request, response) => ((request.body as EventBody).reason === 'Bad' ? refuse(response, code, reason) : accept(request, response)));
    scene.recorder.event(nginx, 'Normal', 'Bad', 'x');
    scene.recorder.event(nginx, 'Normal', 'Good', 'x');
    await written(scene, 2);
    expect(scene.bodies[1]?.reason).toBe('Good');
    expect(scene.warnings).toHaveLength(1);
  });

  it('that has expired in the API is written anew', async () => {
    await using scene = await Scene.of((request, response) => (request.method === 'PATCH' ? refuse(response, 404, 'NotFound') : accept(request, response)));
    scene.recorder.event(nginx, 'Normal', 'Pulled', 'x');
    await written(scene, 1);
    scene.recorder.event(nginx, 'Normal', 'Pulled', 'x');
    await written(scene, 3);
    expect(scene.api.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
    expect(scene.bodies[2]?.count).toBe(2);
    expect(scene.bodies[2]?.metadata.name).not.toBe(scene.bodies[0]?.metadata.name);
  });

  it('costs bounded memory: of thousands that nobody takes most are dropped', async () => {
    await using scene = await Scene.of(accept);
    await scene.api.away();
    for (let i = 0; i < 5000; i++) scene.recorder.event({ ...nginx, uid: `u${i}` }, 'Normal', 'Started', 'x');
    await scene.api.listen();
    await until(() => scene.api.requests.length >= 1000, 'those that were kept are written');
    await scene.recorder.stop();
    expect(scene.api.requests.length).toBe(1000);
  });
});

it('flush waits for the writes, but not longer than told', async () => {
  await using api = await ScriptedApi.start(accept);
  const recorder = new EventRecorder({ client: api.client(), host: 'n1', logger: silentLogger });
  recorder.event(nginx, 'Normal', 'Started', 'x');
  await recorder.flush(5000);
  expect(api.requests).toHaveLength(1);
  api.script = () => undefined;
  recorder.event(nginx, 'Normal', 'Killing', 'x');
  const begin = performance.now();
  await recorder.flush(40);
  expect(performance.now() - begin).toBeLessThan(2000);
  await recorder.stop();
});
