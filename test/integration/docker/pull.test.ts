import { createHash, randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { connectEngine } from '../../../scripts/engine-api.ts';
import { imageStatusId, PullError } from '../../../src/docker/index.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
afterAll(() => us[Symbol.asyncDispose]());

/** A registry on loopback: the Engine speaks plain HTTP with those. */
async function registry(answer: RequestListener, open = true): Promise<{ name: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    if (open && request.url === '/v2/') response.end('{}');
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

const sha256 = (data: Buffer | string): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;

/** A registry with one small image, for those who know the password (Docker Registry HTTP API v2, Image Manifest v2 schema 2). */
function privateImage(user: string, password: string): { readonly digest: string; readonly answer: RequestListener } {
  const tar = Buffer.alloc(1024);
  const layer = gzipSync(tar);
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Labels: { of: randomUUID() } }, rootfs: { type: 'layers', diff_ids: [sha256(tar)] } });
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: Buffer.byteLength(config), digest: sha256(config) },
    layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: layer.length, digest: sha256(layer) }],
  });
  const digest = sha256(manifest);
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return {
    digest,
    answer: (request, response) => {
      const url = request.url ?? '';
      if (request.headers.authorization !== wanted) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="try"', 'content-type': 'application/json' });
        response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
      } else if (url.includes('/manifests/')) {
        response.writeHead(200, { 'content-type': mediaType, 'docker-content-digest': digest, 'content-length': Buffer.byteLength(manifest) });
        response.end(request.method === 'HEAD' ? undefined : manifest);
      } else if (url.includes('/blobs/')) response.writeHead(200).end(url.endsWith(sha256(layer)) ? layer : config);
      else response.end('{}');
    },
  };
}

it('pulls a private image by tag and by digest with the right password only, and reports its digest', async () => {
  const { digest, answer } = privateImage('me', 'a+/b:c ü');
  await using server = await registry(answer, false);
  const name = `${server.name}/team/private`;
  const pull = (reference: string, password?: string): Promise<void> =>
    engine.pull(reference, { noProgressMs: 30_000, ...(password !== undefined && { auth: { username: 'me', password } }) });
  await expect(pull(`${name}:1`)).rejects.toMatchObject({ code: 'denied' });
  await expect(pull(`${name}:1`, 'wrong')).rejects.toMatchObject({ code: 'denied' });
  await pull(`${name}:1`, 'a+/b:c ü');
  await pull(`${name}@${digest}`, 'a+/b:c ü');
  const image = await engine.image(`${name}@${digest}`);
  try {
    expect(image === undefined ? '' : imageStatusId(image)).toBe(`docker-pullable://${name}@${digest}`);
  } finally {
    const connection = connectEngine(process.env);
    await connection.request('DELETE', `/images/${image?.id ?? ''}?force=true`);
    connection.close();
  }
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
