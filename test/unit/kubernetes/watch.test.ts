import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { pods, watchResource, type KubeObject, type WatchOptions } from '../../../src/kubernetes/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { FastClock } from './fast-clock.ts';
import { answer, refuse, ScriptedApi, until, type Seen } from './scripted-api.ts';

const pod = (name: string, resourceVersion: string): KubeObject => ({ metadata: { name, resourceVersion } });
const list = (resourceVersion: string, ...items: KubeObject[]): object => ({ kind: 'PodList', metadata: { resourceVersion }, items });
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

/** Says what the server does with each list and each watch, the last entry again and again; and what the watch told. */
class Scene implements AsyncDisposable {
  readonly told: string[] = [];
  readonly errors: unknown[] = [];
  readonly clock = new FastClock();
  readonly #abort = new AbortController();
  readonly api: ScriptedApi;
  #running: Promise<void> | undefined;

  constructor(api: ScriptedApi) {
    this.api = api;
  }

  static async of(lists: ((response: ServerResponse, request: Seen) => void)[], watches: ((response: ServerResponse, request: Seen) => void)[]): Promise<Scene> {
    let listed = 0;
    let watched = 0;
    const api = await ScriptedApi.start((request, response) => {
      const step = request.query.has('watch') ? watches[Math.min(watched++, watches.length - 1)] : lists[Math.min(listed++, lists.length - 1)];
      step?.(response, request);
    });
    return new Scene(api);
  }

  start(options: Partial<WatchOptions<KubeObject>> = {}): void {
    this.#running = watchResource({
      client: this.api.client(),
      resource: pods(),
      signal: this.#abort.signal,
      logger: silentLogger,
      clock: this.clock,
      onList: (items, version) => this.told.push(`list@${version}: ${items.map(({ metadata }) => metadata?.name).join(' ')}`),
      onEvent: (type, { metadata }) => this.told.push(`${type} ${metadata?.name}`),
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  async tells(...wanted: string[]): Promise<void> {
    await until(() => this.told.length >= wanted.length, `${wanted.join(', ')}; told: ${this.told.join(', ')}`);
    expect(this.told).toEqual(wanted);
  }

  /** The versions after which watches were asked for. */
  get resumed(): (string | null)[] {
    return this.api.requests.filter(({ query }) => query.has('watch')).map(({ query }) => query.get('resourceVersion'));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.api[Symbol.asyncDispose]();
  }
}

const lists = (...args: Parameters<typeof list>) => (response: ServerResponse) => answer(response, 200, list(...args));
const stream = (...lines: string[]) => (response: ServerResponse) => void response.writeHead(200).write(lines.join('') || '\n');
const ends = (...lines: string[]) => (response: ServerResponse) => void response.writeHead(200).end(lines.join(''));
/** Sends the lines, and when they have gone out breaks the connection. */
const breaks = (...lines: string[]) => (response: ServerResponse, request: Seen) => void response.writeHead(200).write(lines.join(''), () => setImmediate(() => request.socket.destroy()));

describe('a watch', () => {
  it('lists, then tells what happens after that version', async () => {
    await using scene = await Scene.of([lists('5', pod('a', '3'))], [stream(line('ADDED', pod('b', '6')), line('MODIFIED', pod('a', '7')), line('DELETED', pod('b', '8')))]);
    scene.start();
    await scene.tells('list@5: a', 'ADDED b', 'MODIFIED a', 'DELETED b');
    expect(scene.resumed).toEqual(['5']);
    expect(scene.errors).toEqual([]);
  });

  it('asks for bookmarks, its selectors and an end after 5 to 10 minutes', async () => {
    await using scene = await Scene.of([lists('5')], [stream()]);
    scene.start({ fieldSelector: 'spec.nodeName=n', labelSelector: 'a in (b,c)', random: () => 0.5 });
    await until(() => scene.api.requests.length === 2, 'list and watch');
    const queries = scene.api.requests.map(({ query }) => Object.fromEntries(query));
    expect(queries).toEqual([
      { fieldSelector: 'spec.nodeName=n', labelSelector: 'a in (b,c)', limit: '500' },
      { fieldSelector: 'spec.nodeName=n', labelSelector: 'a in (b,c)', resourceVersion: '5', allowWatchBookmarks: 'true', timeoutSeconds: '450', watch: 'true' },
    ]);
  });

  it('reads a long list page by page and tells it once', async () => {
    await using scene = await Scene.of(
      [
        (response, { query }) => {
          const page = Number(query.get('continue') ?? 0);
          answer(response, 200, { items: [pod(`p${page}`, '1')], metadata: { resourceVersion: '9', ...(page < 2 && { continue: String(page + 1) }) } });
        },
      ],
      [stream()],
    );
    scene.start();
    await scene.tells('list@9: p0 p1 p2');
  });

  it('asks for all at once when the server forgets a list between two pages', async () => {
    await using scene = await Scene.of(
      [
        (response) => answer(response, 200, { items: [pod('a', '1')], metadata: { resourceVersion: '9', continue: 'x' } }),
        (response) => refuse(response, 410, 'Expired'),
        lists('10', pod('a', '1'), pod('b', '2')),
      ],
      [stream()],
    );
    scene.start();
    await scene.tells('list@10: a b');
  });

  it('goes on after the last event or bookmark when the server ends it', async () => {
    await using scene = await Scene.of([lists('5')], [ends(line('ADDED', pod('a', '6'))), ends(line('BOOKMARK', { metadata: { resourceVersion: '20' } })), stream(line('ADDED', pod('b', '21')))]);
    scene.start();
    await scene.tells('list@5: ', 'ADDED a', 'ADDED b');
    expect(scene.resumed).toEqual(['5', '6', '20']);
    expect(scene.errors).toEqual([]);
  });

  it('goes on when the connection breaks, even within a line', async () => {
    const event = line('ADDED', pod('b', '7'));
    await using scene = await Scene.of([lists('5')], [breaks(line('ADDED', pod('a', '6')), event.slice(0, 20)), stream(event)]);
    scene.start();
    await scene.tells('list@5: ', 'ADDED a', 'ADDED b');
    expect(scene.resumed).toEqual(['5', '6']);
  });

  it('lists anew when the server has forgotten the version, told by status or by event', async () => {
    await using scene = await Scene.of(
      [lists('5'), lists('50', pod('a', '40')), lists('60', pod('a', '60'))],
      [
        (response) => refuse(response, 410, 'Expired'),
        stream(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })),
        stream(line('ADDED', pod('b', '61'))),
      ],
    );
    scene.start();
    await scene.tells('list@5: ', 'list@50: a', 'list@60: a', 'ADDED b');
    expect(scene.errors).toEqual([]);
  });

  it.each([
    ['no JSON', 'garbage\n'],
    ['JSON, but no event', '[1,2]\n'],
    ['null', 'null\n'],
    ['an event without an object', '{"type":"ADDED"}\n'],
    ['an event without a version', '{"type":"ADDED","object":{}}\n'],
    ['an error', line('ERROR', { kind: 'Status', code: 500, message: 'oh' })],
  ])('survives a line that is %s: nothing is lost, it lists anew', async (_what, bad) => {
    await using scene = await Scene.of([lists('5'), lists('7', pod('a', '6'))], [stream(bad), stream(line('ADDED', pod('b', '8')))]);
    scene.start();
    await scene.tells('list@5: ', 'list@7: a', 'ADDED b');
    expect(scene.errors).toHaveLength(1);
  });

  it('knows an event of days to come by its version only', async () => {
    await using scene = await Scene.of([lists('5')], [ends(line('RENAMED', pod('a', '9'))), stream(line('ADDED', pod('b', '10')))]);
    scene.start();
    await scene.tells('list@5: ', 'ADDED b');
    expect(scene.resumed).toEqual(['5', '9']);
  });

  it('lists anew when the server was away: it may be another one now', async () => {
    await using scene = await Scene.of([lists('500', pod('a', '400')), lists('3', pod('z', '2'))], [stream(line('ADDED', pod('b', '501'))), stream()]);
    scene.start();
    await scene.tells('list@500: a', 'ADDED b');
    await scene.api.away();
    await until(() => scene.clock.pauses.length >= 3, 'three tries');
    await scene.api.listen();
    await scene.tells('list@500: a', 'ADDED b', 'list@3: z');
    expect(scene.errors.length).toBeGreaterThanOrEqual(3);
  });

  it('tries again and again, with growing pauses of at most 10 s, when it is refused', async () => {
    let tries = 0;
    await using scene = await Scene.of([(response) => (tries++ < 12 ? refuse(response, 403, 'Forbidden') : lists('1')(response))], [stream()]);
    scene.start({ random: () => 0 });
    await scene.tells('list@1: ');
    expect(scene.clock.pauses.filter((ms) => ms < 29_000)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000, 10_000]);
  });

  it('waits as long as the server asks', async () => {
    let tries = 0;
    await using scene = await Scene.of([(response) => (tries++ === 0 ? refuse(response, 429, 'TooManyRequests', 'slow', { 'retry-after': '3' }) : lists('1')(response))], [stream()]);
    scene.start();
    await scene.tells('list@1: ');
    expect(scene.clock.pauses).toContain(3000);
  });

  it('does not spin when the server ends every watch at once', async () => {
    await using scene = await Scene.of([lists('5')], [ends()]);
    scene.start({ random: () => 0 });
    await until(() => scene.resumed.length >= 9, 'nine watches');
    await scene.stop();
    expect(scene.clock.pauses.slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 3200, 6400]);
  });

  it('that nobody has heard of for the idle time is opened again', async () => {
    await using scene = await Scene.of([lists('5')], [stream(), stream(line('ADDED', pod('a', '6')))]);
    scene.start({ idleMs: 50 });
    await scene.tells('list@5: ', 'ADDED a');
    expect(scene.resumed.slice(0, 2)).toEqual(['5', '5']);
  });

  it('outlives a listener that throws', async () => {
    await using scene = await Scene.of([lists('5'), lists('6', pod('a', '6'))], [stream(line('ADDED', pod('a', '6')))]);
    let thrown = false;
    scene.start({
      onEvent: (type, { metadata }) => {
        if (thrown) return void scene.told.push(`${type} ${metadata?.name}`);
        thrown = true;
        throw new Error('a bug');
      },
    });
    await scene.tells('list@5: ', 'list@6: a', 'ADDED a');
  });

  it('ends when its signal aborts, tells nothing more, and closes its connection', async () => {
    let closed = false;
    await using scene = await Scene.of([lists('5')], [(response, { socket }) => (socket.on('close', () => (closed = true)), stream(line('ADDED', pod('a', '6')))(response))]);
    scene.start();
    await scene.tells('list@5: ', 'ADDED a');
    await scene.stop();
    await until(() => closed, 'the connection is closed');
    expect(scene.told).toHaveLength(2);
    expect(scene.errors).toEqual([]);
  });
});
