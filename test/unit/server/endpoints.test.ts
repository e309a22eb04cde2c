import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import type { ObservedContainer, ValidPod } from '../../../src/pod/index.ts';
import type { NodePod } from '../../../src/server/containers/node-pods.ts';
import type { CommandEnd, CommandStreams, ContainerRef, Containers, LogOptions } from '../../../src/server/contract.ts';
import type { AllPods } from '../../../src/server/endpoints/all-pods.ts';
import { configzRoutes } from '../../../src/server/endpoints/configz.ts';
import { containerLogRoutes } from '../../../src/server/endpoints/container-logs.ts';
import { debugRoutes } from '../../../src/server/endpoints/debug.ts';
import { healthRoutes } from '../../../src/server/endpoints/health.ts';
import { podRoutes } from '../../../src/server/endpoints/pods.ts';
import { portForwardRoutes } from '../../../src/server/endpoints/port-forward.ts';
import { remoteCommandRoutes } from '../../../src/server/endpoints/remote-command.ts';
import { runRoutes } from '../../../src/server/endpoints/run.ts';
import { rangeOf, systemLogRoutes } from '../../../src/server/endpoints/system-logs.ts';
import { verbosityRoutes } from '../../../src/server/endpoints/verbosity.ts';
import type { Route } from '../../../src/server/http/router.ts';
import { TestNode, TestReviews, type Answered, type Asked } from './support/test-node.ts';

const POD: ValidPod = {
  metadata: { name: 'web', namespace: 'default', uid: 'u1' },
  spec: { containers: [{ name: 'main', image: 'nginx' }], restartPolicy: 'Always', terminationGracePeriodSeconds: 30 },
};
const container = (more: Partial<ObservedContainer>): ObservedContainer => ({
  id: 'c1', kind: 'container', name: 'main', attempt: 0, state: 'running', image: 'nginx:1', imageId: 'docker://x', hash: 'h', createdAt: 0, oomKilled: false, ...more,
});
const WEB: NodePod = { pod: POD, status: { phase: 'Running' }, observed: { uid: 'u1', sandboxes: [container({ id: 's1', kind: 'sandbox', name: 'POD' })], containers: [container({}), container({ id: 'c0', state: 'exited' })] } };
const DONE: NodePod = { pod: { ...POD, metadata: { name: 'done', namespace: 'default', uid: 'u2' } }, status: { phase: 'Succeeded' }, observed: { uid: 'u2', sandboxes: [], containers: [] } };

const PODS: AllPods = { all: () => [WEB, DONE], find: (namespace, name) => [WEB, DONE].find(({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === name) };

/** The containers of pod `web`, of which `main` is one that runs. */
class FakeContainers implements Containers {
  readonly asked: unknown[] = [];
  run: (streams: CommandStreams) => Promise<CommandEnd> = async () => ({ kind: 'exit', code: 0 });

  find(namespace: string, pod: string, _uid: string | undefined, name: string): ContainerRef {
    if (pod !== 'web' || name !== 'main') throw new KmError('not-found', `container not found ("${name}")`);
    return { id: 'c1', name, namespace, pod, uid: 'u1', tty: false, stdin: false };
  }

  exec(_container: ContainerRef, command: readonly string[], tty: boolean, streams: CommandStreams): Promise<CommandEnd> {
    this.asked.push({ command, tty });
    return this.run(streams);
  }

  attach(_container: ContainerRef, streams: CommandStreams): Promise<CommandEnd> {
    return this.run(streams);
  }

  async logs(_namespace: string, pod: string, name: string, options: LogOptions): Promise<AsyncIterable<Buffer>> {
    this.asked.push(options);
    if (pod !== 'web') throw new KmError('not-found', `pod "${pod}" does not exist`);
    if (name !== 'main') throw new KmError('invalid', `container "${name}" in pod "${pod}" is waiting to start: ContainerCreating`);
    return (async function* lines() {
      yield Buffer.from('one\n');
      yield Buffer.from('two\n');
    })();
  }

  dial(): never {
    throw new KmError('unavailable', 'not in this test');
  }
}

let containers: FakeContainers;
beforeEach(() => {
  containers = new FakeContainers();
});

/** One request to a server with these routes, by somebody who may do everything. */
async function ask(routes: readonly Route[], path: string, asked: Asked = {}): Promise<Answered> {
  await using node = await start(routes);
  return await node.ask(path, { token: 't', ...asked });
}

/** A server with these routes, where the token `t` may do everything. */
function start(routes: readonly Route[]): Promise<TestNode> {
  const reviews = new TestReviews();
  reviews.users.set('t', { name: 'alice', groups: [] });
  return TestNode.start({ reviews, routes });
}

describe('/pods', () => {
  it('tells what shall run here, with its status', async () => {
    const { body, headers } = await ask(podRoutes(PODS), '/pods');
    expect(headers['content-type']).toBe('application/json');
    expect(JSON.parse(body)).toEqual({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [{ ...POD, status: { phase: 'Running' } }, { ...DONE.pod, status: { phase: 'Succeeded' } }] });
  });

  it('has a sister that tells what runs', async () => {
    const { items } = JSON.parse((await ask(podRoutes(PODS), '/runningpods/')).body) as { items: unknown[] };
    expect(items).toEqual([{ metadata: POD.metadata, spec: { containers: [{ name: 'main', image: 'nginx:1', resources: {} }] }, status: {} }]);
  });
});

describe('/containerLogs', () => {
  const logs = (path: string): Promise<Answered> => ask(containerLogRoutes(containers), `/containerLogs/default/${path}`);

  it('streams a log as text', async () => {
    expect(await logs('web/main')).toMatchObject({ status: 200, body: 'one\ntwo\n', headers: { 'content-type': 'text/plain; charset=utf-8' } });
  });

  it.each<[string, Partial<LogOptions>]>([
    ['', { follow: false, previous: false, timestamps: false }],
    ['follow=true&previous=1&timestamps=yes', { follow: true, previous: true, timestamps: true }],
    ['follow=0&previous=FALSE', { follow: false, previous: false }],
    ['tailLines=0', { tailLines: 0 }],
    ['tail=5&tailLines=7', { tailLines: 5 }],
    ['tail=all&tailLines=7', {}],
    ['sinceSeconds=10&limitBytes=1', { sinceSeconds: 10, limitBytes: 1 }],
    ['tailLines=9223372036854775807&limitBytes=9223372036854775807', { tailLines: 2 ** 63, limitBytes: 2 ** 63 }],
    ['sinceTime=2020-01-02T03:04:05.5Z', { sinceTime: Date.UTC(2020, 0, 2, 3, 4, 5, 500) }],
  ])('understands ?%s', async (query, wanted) => {
    await logs(`web/main?${query}`);
    expect(containers.asked).toEqual([{ follow: false, previous: false, timestamps: false, ...wanted }]);
  });

  it.each([
    ['web/main?tailLines=x', 400, '{"message": "Unable to decode query."}'],
    ['web/main?tailLines=9223372036854775808', 400, '{"message": "Unable to decode query."}'],
    ['web/main?sinceTime=yesterday', 400, '{"message": "Unable to decode query."}'],
    ['web/main?tailLines=-1', 422, '{"message": "Invalid request."}'],
    ['web/main?limitBytes=0', 422, '{"message": "Invalid request."}'],
    ['web/main?sinceSeconds=0', 422, '{"message": "Invalid request."}'],
    ['web/main?sinceSeconds=1&sinceTime=2020-01-02T03:04:05Z', 422, '{"message": "Invalid request."}'],
    ['none/main', 404, 'pod "none" does not exist'],
    ['web/side', 400, 'container "side" in pod "web" is waiting to start: ContainerCreating'],
  ])('answers %s with %d', async (path, status, body) => {
    expect(await logs(path)).toMatchObject({ status, body });
  });
});

describe('/exec, /attach, /portForward', () => {
  const routes = (): Route[] => [
    ...remoteCommandRoutes({ pods: PODS, containers, upgrade: async () => () => undefined }),
    ...portForwardRoutes({ pods: PODS, containers, upgrade: async () => () => undefined }),
  ];

  it.each([
    ['/exec/default/web/main?command=ls', 400, 'you must specify at least 1 of stdin, stdout, stderr'],
    ['/exec/default/web/main?command=ls&error=1&tty=1', 400, 'you must specify at least 1 of stdin, stdout, stderr'],
    ['/exec/default/none/main?output=1', 404, 'pod does not exist'],
    ['/exec/other/web/main?output=1', 404, 'pod does not exist'],
    ['/exec/default/web/none?output=1', 500, 'container not found ("none")'],
    ['/exec/default/web/main?output=1', 500, 'Upgrade request required\n'],
    ['/attach/default/web/u1/main?output=1', 500, 'Upgrade request required\n'],
    ['/portForward/default/none', 404, 'pod does not exist'],
    ['/portForward/default/web/u2', 404, 'pod not found'],
    ['/portForward/default/web/u1', 500, 'Upgrade request required\n'],
  ])('%s without an upgrade: %d %s', async (path, status, body) => {
    expect(await ask(routes(), path, { method: 'POST' })).toMatchObject({ status, body });
    expect(await ask(routes(), path)).toMatchObject({ status, body });
  });
});

describe('/run', () => {
  const run = (path: string): Promise<Answered> => ask(runRoutes(PODS, containers), path, { method: 'POST' });

  it('answers with what the command wrote, stdout first', async () => {
    containers.run = async ({ stdout, stderr }) => {
      stderr?.end('bad\n');
      stdout?.end('good\n');
      return { kind: 'exit', code: 0 };
    };
    expect(await run('/run/default/web/u1/main?cmd=ls%20-l')).toMatchObject({ status: 200, body: 'good\nbad\n', headers: { 'content-type': 'application/json' } });
    expect(containers.asked).toEqual([{ command: ['ls', '-l'], tty: false }]);
  });

  it('says how it failed', async () => {
    containers.run = async ({ stderr }) => {
      stderr?.end('no such file');
      return { kind: 'exit', code: 2 };
    };
    expect(await run('/run/default/web/main?cmd=ls%20x')).toMatchObject({ status: 500, body: "command 'ls x' exited with 2: no such file" });
    containers.run = async () => ({ kind: 'failed', message: 'error executing command in container: gone' });
    expect(await run('/run/default/web/main?cmd=ls')).toMatchObject({ status: 500, body: 'error executing command in container: gone' });
    expect(await run('/run/default/web/none?cmd=ls')).toMatchObject({ status: 500, body: 'container not found ("none")' });
    expect(await run('/run/default/none/main?cmd=ls')).toMatchObject({ status: 404, body: 'pod does not exist' });
  });
});

describe('/healthz', () => {
  const routes = (fault?: string): Route[] => healthRoutes([{ name: 'syncloop', check: () => { if (fault !== undefined) throw new Error(fault); } }]);

  it.each([
    ['/healthz', 200, 'ok'],
    ['/healthz/ping', 200, 'ok'],
    ['/healthz/syncloop', 200, 'ok'],
    ['/healthz?verbose', 200, '[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n'],
    ['/healthz?verbose&exclude=log&exclude=x', 200, '[+]ping ok\n[+]log excluded: ok\n[+]syncloop ok\nwarn: some health checks cannot be excluded: no matches for "x"\nhealthz check passed\n'],
    ['/healthz/none', 404, '404 page not found\n'],
  ])('%s is %d while all is well', async (path, status, body) => {
    expect(await ask(routes(), path)).toMatchObject({ status, body });
  });

  it('withholds the reason from whoever asks for all', async () => {
    expect(await ask(routes('it hangs'), '/healthz')).toMatchObject({ status: 500, body: '[+]ping ok\n[+]log ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n' });
    expect(await ask(routes('it hangs'), '/healthz/syncloop')).toMatchObject({ status: 500, body: 'internal server error: it hangs\n' });
    expect((await ask(routes('it hangs'), '/healthz?exclude=syncloop')).status).toBe(200);
  });
});

it('/configz tells the settings that hold', async () => {
  expect(JSON.parse((await ask(configzRoutes(() => ({ maxPods: 7 })), '/configz')).body)).toEqual({ kubeletconfig: { kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1', maxPods: 7 } });
});

describe('/debug/pprof/', () => {
  it('gives a CPU profile, and says what else there is', async () => {
    const profile = JSON.parse((await ask(debugRoutes(), '/debug/pprof/profile?seconds=0.1')).body) as { nodes: unknown[] };
    expect(profile.nodes.length).toBeGreaterThan(0);
    expect((await ask(debugRoutes(), '/debug/pprof/')).body).toContain('profile');
    expect((await ask(debugRoutes(), '/debug/pprof/none')).status).toBe(404);
  });
});

describe('/debug/flags/v', () => {
  it.each<[string, string]>([
    ['10', 'debug'],
    ['4', 'debug'],
    ['3', 'info'],
    ['+0', 'info'],
    ['-1', 'warn'],
  ])('set to %s has the log say %s and more', async (v, level) => {
    const set: string[] = [];
    expect(await ask(verbosityRoutes((one) => set.push(one)), '/debug/flags/v', { method: 'PUT', body: v })).toMatchObject({ status: 200, body: `successfully set klog.logging.verbosity to ${v}\n` });
    expect(set).toEqual([level]);
  });

  it.each<[string, string, number, string]>([
    ['PUT', 'loud', 400, 'failed set klog.logging.verbosity loud: strconv.ParseInt: parsing "loud": invalid syntax\n'],
    ['PUT', '', 400, 'failed set klog.logging.verbosity : strconv.ParseInt: parsing "": invalid syntax\n'],
    ['PUT', '2147483648', 400, 'failed set klog.logging.verbosity 2147483648: strconv.ParseInt: parsing "2147483648": value out of range\n'],
    ['PUT', '1'.repeat(2000), 400, 'error reading request body: http: request body too large\n'],
    ['GET', '', 406, 'unsupported http method\n'],
    ['POST', '4', 406, 'unsupported http method\n'],
  ])('changes nothing on %s of %j', async (method, body, status, words) => {
    const set: string[] = [];
    expect(await ask(verbosityRoutes((one) => set.push(one)), '/debug/flags/v', { method, ...(body !== '' && { body }) })).toMatchObject({ status, body: words });
    expect(set).toEqual([]);
  });
});

describe('/logs/', () => {
  let top: string;
  let routes: Route[];
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), 'km-log-'));
    await mkdir(join(top, 'log/pods'), { recursive: true });
    await mkdir(join(top, 'elsewhere'));
    await mkdir(join(top, 'allowed'));
    await writeFile(join(top, 'log/a.log'), '0123456789');
    await writeFile(join(top, 'log/<b> & "c".log'), '');
    await writeFile(join(top, 'elsewhere/secret'), 'secret');
    await writeFile(join(top, 'allowed/c.log'), 'linked');
    await symlink(join(top, 'elsewhere/secret'), join(top, 'log/escape'));
    await symlink(join(top, 'allowed/c.log'), join(top, 'log/pods/c.log'));
    routes = systemLogRoutes({ enabled: true, directory: join(top, 'log'), linked: [join(top, 'allowed')] });
  });
  afterEach(() => rm(top, { recursive: true }));

  it('lists a folder', async () => {
    const { body, headers } = await ask(routes, '/logs/');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toBe('<pre>\n<a href="%3Cb%3E%20%26%20%22c%22.log">&lt;b&gt; &amp; &#34;c&#34;.log</a>\n<a href="a.log">a.log</a>\n<a href="escape">escape</a>\n<a href="pods/">pods/</a>\n</pre>\n');
  });

  it.each<[string, Asked, object]>([
    ['a.log', {}, { status: 200, body: '0123456789' }],
    ['a.log', { headers: { range: 'bytes=2-4' } }, { status: 206, body: '234', headers: expect.objectContaining({ 'content-range': 'bytes 2-4/10' }) as object }],
    ['a.log', { headers: { range: 'bytes=20-' } }, { status: 416, headers: expect.objectContaining({ 'content-range': 'bytes */10' }) as object }],
    ['a.log', { headers: { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() } }, { status: 304, body: '' }],
    ['a.log/', {}, { status: 301, headers: expect.objectContaining({ location: '../a.log' }) as object }],
    ['pods', {}, { status: 301, headers: expect.objectContaining({ location: 'pods/' }) as object }],
    ['pods/c.log', {}, { status: 200, body: 'linked' }],
    ['%3Cb%3E%20%26%20%22c%22.log', {}, { status: 200, body: '' }],
    ['escape', {}, { status: 404, body: '404 page not found\n' }],
    ['none', {}, { status: 404 }],
    ['../elsewhere/secret', {}, { status: 404 }],
    ['%2e%2e/elsewhere/secret', {}, { status: 404 }],
    ['pods/..%2f../elsewhere/secret', {}, { status: 404 }],
    ['a.log%00', {}, { status: 404 }],
    ['a.log', { method: 'POST' }, { status: 405 }],
  ])('%s %j', async (path, asked, answer) => {
    expect(await ask(routes, `/logs/${path}`, asked)).toMatchObject(answer);
  });

  it('sends nothing from elsewhere, however often a file becomes a link between looking and reading', async () => {
    const turn = `const fs = require('node:fs'), { top } = require('node:worker_threads').workerData, at = (name) => top + '/log/' + name;
      for (;;) {
        fs.writeFileSync(at('new'), 'public'), fs.renameSync(at('new'), at('turning'));
        fs.symlinkSync(top + '/elsewhere/secret', at('new')), fs.renameSync(at('new'), at('turning'));
      }`;
    await writeFile(join(top, 'log/turning'), 'public');
    const worker = new Worker(turn, { eval: true, workerData: { top } });
    try {
      await once(worker, 'online');
      await using node = await start(routes);
      for (let asked = 0; asked < 300; asked += 1) expect((await node.ask('/logs/turning', { token: 't' })).body).toMatch(/^(public|404 page not found\n)$/);
    } finally {
      await worker.terminate();
    }
  });

  it('sends no more than it promised of a file that grows', async () => {
    const file = join(top, 'log/big.log');
    await writeFile(file, Buffer.alloc(3_000_000, 'x'));
    const asked = ask(routes, '/logs/big.log');
    await appendFile(file, 'more');
    const { body, headers } = await asked;
    expect(body.length).toBe(Number(headers['content-length']));
  });

  it('says when it is off', async () => {
    expect(await ask(systemLogRoutes({ enabled: false, directory: top, linked: [] }), '/logs/')).toMatchObject({ status: 405, body: 'logs endpoint is disabled.\n' });
  });

  it.each<[string | undefined, number, ReturnType<typeof rangeOf>]>([
    [undefined, 10, undefined],
    ['bytes=0-', 10, [0, 9]],
    ['bytes=-3', 10, [7, 9]],
    ['bytes=-30', 10, [0, 9]],
    ['bytes=-0', 10, 'none'],
    ['bytes=3-2', 10, 'none'],
    ['bytes=0-0', 0, 'none'],
    ['bytes=0-99', 10, [0, 9]],
    ['bytes=0-1,3-4', 10, undefined],
    ['lines=0-1', 10, undefined],
  ])('range %s of %d bytes', (header, size, range) => {
    expect(rangeOf(header, size)).toEqual(range);
  });
});
