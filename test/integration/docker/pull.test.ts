import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { PullError } from '../../../src/docker/index.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
afterAll(() => us[Symbol.asyncDispose]());

/** A registry on loopback: the Engine speaks plain HTTP with those. */
async function registry(answer: RequestListener): Promise<{ name: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    if (request.url === '/v2/') response.end('{}');
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    name: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const problem = (status: number, code: string): RequestListener => (_request, response) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }));
};

it.each([
  ['an image that the registry does not have', problem(404, 'MANIFEST_UNKNOWN'), 'not-found', false],
  ['a registry that wants a password', problem(401, 'UNAUTHORIZED'), 'denied', false],
  ['a registry that is overloaded', problem(503, 'UNAVAILABLE'), 'unavailable', true],
] as const)('pulling from %s fails as that', async (_what, answer, code, registryUnavailable) => {
  await using server = await registry(answer);
  const failure = await engine.pull(`${server.name}/some/image:1`, { noProgressMs: 30_000 }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(PullError);
  expect(failure).toMatchObject({ code });
  if (registryUnavailable) expect((failure as PullError).message).toMatch(/503|unavailable/i);
  expect(await engine.image(`${server.name}/some/image:1`)).toBeUndefined();
});

it('pulling from nobody may be tried again', async () => {
  await expect(engine.pull('127.0.0.1:1/some/image:1')).rejects.toMatchObject({ code: 'unavailable' });
});

it('a pull without progress is given up', async () => {
  await using server = await registry(() => undefined);
  await expect(engine.pull(`${server.name}/some/image:1`, { noProgressMs: 300 })).rejects.toMatchObject({ code: 'timeout' });
});

it('a pull ends with its caller', async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await registry(() => asked.resolve());
  const abort = new AbortController();
  const pulling = engine.pull(`${server.name}/some/image:1`, { signal: abort.signal });
  await asked.promise;
  abort.abort();
  await expect(pulling).rejects.toMatchObject({ code: 'aborted' });
});

it('something that is no image name is refused as such', async () => {
  await expect(engine.pull('Some/Image')).rejects.toMatchObject({ code: 'invalid' });
  await expect(engine.image('../containers/json?x=')).rejects.toMatchObject({ code: 'invalid' });
});

it('an image that is there tells its configuration', async () => {
  const image = await engine.image('busybox');
  expect(image).toMatchObject({ user: '', command: ['sh'], repoTags: expect.arrayContaining(['busybox:latest']) as string[] });
  expect(image?.id).toMatch(/^sha256:[0-9a-f]{64}$/);
});
