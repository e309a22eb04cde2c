import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { KmError, systemClock } from '../../../src/base/index.ts';
import type { ExecResult } from '../../../src/docker/index.ts';
import type { ObservedContainer, ValidPod } from '../../../src/pod/index.ts';
import { checkOnce, type CheckTarget } from '../../../src/runtime/check-once.ts';
import { Checker } from '../../../src/runtime/checker.ts';
import type { TaskCheck } from '../../../src/status/index.ts';

const times = { delayMs: 0, intervalMs: 0, timeoutMs: 5_000 };
const exits = (exitCode: number) => (): Promise<ExecResult> => Promise.resolve({ exitCode, output: '' });
const throws = (code: 'workload' | 'timeout' | 'unavailable') => (): Promise<ExecResult> => Promise.reject(new KmError(code, code));

function target(exec: CheckTarget['engine']['exec'] = exits(0)): CheckTarget {
  return { engine: { exec }, containerId: 'c1', host: '127.0.0.1', signal: new AbortController().signal };
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const port = await serve(() => undefined);
  const server = servers.pop();
  server?.close();
  if (server !== undefined) await once(server, 'close');
  return port;
}

describe('a check, made once', () => {
  it.each<[string, CheckTarget['engine']['exec'], object]>([
    ['a command that ends well', exits(0), { exit_code: 0 }],
    ['one that does not', exits(7), { exit_code: 7 }],
    ['one that is not there', throws('workload'), { exit_code: 127 }],
    ['one that takes too long', throws('timeout'), {}],
    ['an Engine that is away', throws('unavailable'), {}],
  ])('%s', async (_name, exec, command) => {
    expect(await checkOnce({ type: 'COMMAND', command: ['x'], ...times }, target(exec))).toEqual({ type: 'COMMAND', command });
  });

  it('tells the status of an answer, whatever it is, behind redirects', async () => {
    const port = await serve((request, response) => response.writeHead(request.url === '/from' ? 302 : 418, { location: '/to' }).end());
    expect(await checkOnce({ type: 'HTTP', port, path: '/from', ...times }, target())).toEqual({ type: 'HTTP', http: { status_code: 418 } });
  });

  it('has no status of a server that redirects for ever, says nothing, or is not there', async () => {
    const round = await serve((_request, response) => response.writeHead(302, { location: '/' }).end());
    const silent = await serve(() => undefined);
    const http = (port: number, timeoutMs: number) => checkOnce({ type: 'HTTP', port, path: '/', ...times, timeoutMs }, target());
    expect(await Promise.all([http(round, 5_000), http(silent, 50), http(await closedPort(), 5_000)])).toEqual(Array(3).fill({ type: 'HTTP', http: {} }));
  });

  it('tells whether a port takes connections', async () => {
    const tcp = (port: number) => checkOnce({ type: 'TCP', port, ...times }, target());
    expect(await tcp(await serve(() => undefined))).toEqual({ type: 'TCP', tcp: { succeeded: true } });
    expect(await tcp(await closedPort())).toEqual({ type: 'TCP', tcp: { succeeded: false } });
  });
});

describe('the checks of a task', () => {
  const pod = { spec: { containers: [{ name: 'main' }, { name: 'other' }] } } as unknown as ValidPod;
  const running = (name: string, id: string): ObservedContainer => ({ name, id, state: 'running', startedAt: systemClock.now() }) as ObservedContainer;
  const check: TaskCheck = { type: 'COMMAND', command: ['x'], ...times };

  it('follow the first container, tell changes only, and hold what was told before', async () => {
    const codes = [4, 4, 5];
    const asked: string[] = [];
    const told: unknown[] = [];
    const done = Promise.withResolvers<undefined>();
    const exec = (id: string): Promise<ExecResult> => {
      asked.push(id);
      if (codes.length === 0) done.resolve(undefined);
      return Promise.resolve({ exitCode: codes.shift() ?? 5, output: '' });
    };
    const checker = new Checker({ clock: systemClock, engine: { exec }, check, told: { type: 'COMMAND', command: { exit_code: 3 } }, onChanged: () => told.push(checker.status) });
    expect(checker.status).toEqual({ type: 'COMMAND', command: { exit_code: 3 } });
    checker.update(pod, [running('other', 'o1')], '10.0.0.1');
    checker.update(pod, [running('other', 'o1'), running('main', 'm1')], '10.0.0.1');
    await done.promise;
    checker.update(pod, [running('other', 'o1')], '10.0.0.1');
    expect(asked).toEqual(['m1', 'm1', 'm1', 'm1']);
    expect(told).toEqual([4, 5].map((exit_code) => ({ type: 'COMMAND', command: { exit_code } })));
  });

  it('begin with an empty result', () => {
    expect(new Checker({ clock: systemClock, engine: { exec: exits(0) }, check, told: undefined, onChanged: () => undefined }).status).toEqual({ type: 'COMMAND', command: {} });
  });
});
