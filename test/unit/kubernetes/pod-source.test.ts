import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { PodSource } from '../../../src/kubernetes/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import type { Pod } from '../../../src/pod/index.ts';
import { FastClock } from './fast-clock.ts';
import { answer, refuse, ScriptedApi, until } from './scripted-api.ts';

let version = 100;
const pod = (name: string, uid: string, nodeName = 'n1'): Pod => ({ metadata: { name, namespace: 'default', uid, resourceVersion: String(version++) }, spec: { nodeName, containers: [] } });
const identity = (name: string, uid: string): { name: string; namespace: string; uid: string } => ({ name, namespace: 'default', uid });

/** What the API says, changed by the test as it goes; and what the source told. */
class Scene implements AsyncDisposable {
  readonly told: string[] = [];
  readonly api: ScriptedApi;
  readonly clock = new FastClock();
  source!: PodSource;
  listed: Pod[] = [];
  /** What a GET of one pod answers. */
  single: (name: string, response: ServerResponse) => void = (name, response) => {
    const found = this.listed.find(({ metadata }) => metadata?.name === name);
    if (found === undefined) refuse(response, 404, 'NotFound', `pods "${name}" not found`);
    else answer(response, 200, found);
  };
  failing = false;
  asked = 0;
  #stream: ServerResponse | undefined;

  private constructor(api: ScriptedApi) {
    this.api = api;
  }

  static async start(...listed: Pod[]): Promise<Scene> {
    const scene: Scene = new Scene(
      await ScriptedApi.start((request, response) => {
        if (request.query.has('watch')) {
          if (scene.failing) return refuse(response, 503, 'ServiceUnavailable');
          scene.#stream = response;
          response.writeHead(200).write('\n');
        } else if (request.path === '/api/v1/pods') {
          if (scene.failing) return refuse(response, 500, 'InternalError');
          answer(response, 200, { items: scene.listed, metadata: { resourceVersion: String(version++) } });
        } else {
          scene.asked++;
          scene.single(request.path.split('/').at(-1) ?? '', response);
        }
      }),
    );
    scene.listed = listed;
    scene.source = new PodSource({
      client: scene.api.client(),
      nodeName: 'n1',
      logger: silentLogger,
      clock: scene.clock,
      onPod: ({ metadata }) => scene.told.push(`pod ${metadata?.name}/${metadata?.uid}`),
      onDeleted: ({ name, uid }, why) => scene.told.push(`${why} ${name}/${uid}`),
      onSynced: () => scene.told.push('synced'),
    });
    scene.source.start();
    await until(() => scene.source.synced, 'the first list');
    await until(() => scene.#stream !== undefined, 'the watch');
    return scene;
  }

  event(type: string, object: Pod): void {
    this.#stream?.write(`${JSON.stringify({ type, object })}\n`);
  }

  /** The server ends the watch and has forgotten the past: a fresh list comes. */
  relist(): void {
    this.#stream?.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`);
  }

  async tells(...wanted: string[]): Promise<void> {
    await until(() => this.told.length >= wanted.length, `${wanted.join(', ')}; told: ${this.told.join(', ')}`);
    expect(this.told).toEqual(wanted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.stop();
    await this.api[Symbol.asyncDispose]();
  }
}

describe('the pods of a node', () => {
  it('are asked for by the name of the node, and told when they are there, change and go', async () => {
    await using scene = await Scene.start(pod('a', 'u1'));
    scene.event('ADDED', pod('b', 'u2'));
    scene.event('MODIFIED', pod('a', 'u1'));
    scene.event('DELETED', pod('a', 'u1'));
    await scene.tells('pod a/u1', 'synced', 'pod b/u2', 'pod a/u1', 'deleted a/u1');
    expect(scene.api.requests[0]?.query.get('fieldSelector')).toBe('spec.nodeName=n1');
    expect(scene.source.get('u1')).toBeUndefined();
    expect(scene.source.get('u2')?.metadata?.name).toBe('b');
  });

  it('end when a fresh list lacks them and the API confirms that', async () => {
    await using scene = await Scene.start(pod('a', 'u1'), pod('b', 'u2'));
    scene.listed = [];
    scene.relist();
    await scene.tells('pod a/u1', 'pod b/u2', 'synced', 'deleted a/u1', 'deleted b/u2');
  });

  it('end when a fresh list has another UID under their name', async () => {
    await using scene = await Scene.start(pod('a', 'u1'));
    scene.listed = [pod('a', 'u9')];
    scene.relist();
    await scene.tells('pod a/u1', 'synced', 'pod a/u9', 'other-uid a/u1');
  });

  it.each(['list', 'event'])('do not end when an older %s, from before they came, has their predecessor under their name', async (kind) => {
    await using scene = await Scene.start(pod('a', 'u1'));
    const successor = pod('a', 'u2');
    scene.single = (_name, response) => answer(response, 200, successor);
    scene.source.expect(identity('a', 'u2'));
    if (kind === 'event') scene.event('MODIFIED', pod('a', 'u1'));
    else scene.relist();
    await until(() => scene.told.some((one) => one.startsWith('other-uid')), 'an end');
    scene.source.forget('u1');
    scene.event('MODIFIED', successor);
    scene.event('DELETED', successor);
    await until(() => scene.told.includes('deleted a/u2'), 'the end of the successor');
    expect(scene.told.filter((one) => !one.startsWith('pod '))).toEqual(['synced', 'other-uid a/u1', 'deleted a/u2']);
  });

  it('end when the API has another UID under their name on another node', async () => {
    await using scene = await Scene.start(pod('a', 'u1'));
    scene.listed = [];
    scene.single = (_name, response) => answer(response, 200, pod('a', 'u9', 'n2'));
    scene.relist();
    await scene.tells('pod a/u1', 'synced', 'other-uid a/u1');
  });

  it('end only once, and an event of a pod that never was is nothing', async () => {
    await using scene = await Scene.start(pod('a', 'u1'));
    scene.event('DELETED', pod('x', 'u7'));
    scene.event('DELETED', pod('a', 'u1'));
    scene.event('DELETED', pod('a', 'u1'));
    scene.event('ADDED', pod('b', 'u2'));
    await scene.tells('pod a/u1', 'synced', 'deleted a/u1', 'pod b/u2');
  });

  it('do not end when the list lacks them but the API still has them', async () => {
    await using scene = await Scene.start(pod('a', 'u1'), pod('b', 'u2'));
    const [a] = scene.listed;
    scene.listed = [];
    scene.single = (name, response) => (name === 'a' ? answer(response, 200, a) : refuse(response, 404, 'NotFound'));
    scene.relist();
    await scene.tells('pod a/u1', 'pod b/u2', 'synced', 'pod a/u1', 'deleted b/u2');
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['fails', (response) => refuse(response, 500, 'InternalError')],
    ['forbids', (response) => refuse(response, 403, 'Forbidden')],
    ['is a proxy without a backend', (response) => void response.writeHead(404).end('<html>no such page</html>')],
    ['answers nonsense', (response) => answer(response, 200, {})],
    ['answers with another pod', (response) => answer(response, 200, pod('z', 'u9'))],
    ['hangs up', (response) => void response.destroy()],
    ['has forgotten', (response) => refuse(response, 410, 'Gone')],
  ])('do not end while the API %s; they do when it answers', async (_what, nonsense) => {
    await using scene = await Scene.start(pod('a', 'u1'));
    scene.listed = [];
    scene.single = (_name, response) => nonsense(response);
    scene.relist();
    await until(() => scene.asked >= 4, 'four questions');
    expect(scene.told).toEqual(['pod a/u1', 'synced']);
    scene.single = (_name, response) => refuse(response, 404, 'NotFound');
    await scene.tells('pod a/u1', 'synced', 'deleted a/u1');
  });

  it('do not end while the API is away for long', async () => {
    await using scene = await Scene.start(pod('a', 'u1'));
    await scene.api.away();
    await until(() => scene.clock.pauses.length >= 10, 'ten tries');
    scene.failing = true;
    await scene.api.listen();
    const before = scene.api.requests.length;
    await until(() => scene.api.requests.length >= before + 5, 'five refused tries');
    expect(scene.told).toEqual(['pod a/u1', 'synced']);
    scene.failing = false;
    scene.listed = [pod('a', 'u1'), pod('b', 'u2')];
    await scene.tells('pod a/u1', 'synced', 'pod a/u1', 'pod b/u2');
  });

  it('that were expected but are not there end, before and after the first list', async () => {
    await using scene = await Scene.start();
    scene.source.expect(identity('a', 'u1'));
    await scene.tells('synced', 'deleted a/u1');
  });

  it('that were expected and are there are told', async () => {
    await using scene = await Scene.start();
    scene.single = (name, response) => answer(response, 200, pod(name, 'u1'));
    scene.source.expect(identity('a', 'u1'));
    await scene.tells('synced', 'pod a/u1');
  });

  it('that are forgotten end in silence', async () => {
    await using scene = await Scene.start(pod('a', 'u1'), pod('b', 'u2'));
    scene.source.forget('u1');
    scene.event('DELETED', pod('a', 'u1'));
    scene.event('DELETED', pod('b', 'u2'));
    await scene.tells('pod a/u1', 'pod b/u2', 'synced', 'deleted b/u2');
  });

  it('that are forgotten while the API is asked about them end in silence', async () => {
    await using scene = await Scene.start(pod('a', 'u1'), pod('b', 'u2'));
    scene.listed = [];
    scene.single = (_name, response) => refuse(response, 503, 'ServiceUnavailable');
    scene.relist();
    await until(() => scene.asked >= 4, 'four questions');
    scene.source.forget('u1');
    scene.single = (_name, response) => refuse(response, 404, 'NotFound');
    await scene.tells('pod a/u1', 'pod b/u2', 'synced', 'deleted b/u2');
  });
});
