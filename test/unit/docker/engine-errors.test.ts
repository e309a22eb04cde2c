import { describe, expect, it } from 'vitest';
import { chooseApiVersion } from '../../../src/docker/api-version.ts';
import { engineHost } from '../../../src/docker/engine-host.ts';
import { NameConflict, translateError, type EngineCall } from '../../../src/docker/engine-error.ts';
import { pullError, splitReference } from '../../../src/docker/pull.ts';

const answer = (statusCode: number, message: string): object => Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), { statusCode, json: { message } });

describe('what the Engine answers', () => {
  it.each<[EngineCall, number, string, string]>([
    ['start', 400, 'failed to create shim task: OCI runtime create failed: exec: "/x": stat /x: no such file or directory: unknown', 'workload'],
    ['start', 500, 'OCI runtime create failed: container_linux.go:380: starting container process caused: permission denied', 'workload'],
    ['start', 500, 'driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:80 failed: port is already allocated', 'unavailable'],
    ['start', 500, 'OCI runtime create failed: mkdir /var/run/docker: no space left on device', 'no-space'],
    ['create', 500, 'write /var/lib/docker/overlay2/x: no space left on device', 'no-space'],
    ['start', 404, 'No such container: abc', 'not-found'],
    ['start', 500, 'context deadline exceeded', 'unavailable'],
    ['create', 400, 'No such container: abc', 'not-found'],
    ['create', 400, 'invalid CapAdd: unknown capability: "CAP_X"', 'workload'],
    ['start', 500, 'path /v is mounted on / but it is not a shared mount', 'workload'],
    ['start', 500, 'path /v is mounted on / but it is not a shared or slave mount', 'workload'],
    ['create', 500, "error while creating mount source path '/sys/x': mkdir /sys/x: read-only file system", 'workload'],
    ['start', 500, 'could not select device driver "" with capabilities: [[gpu]]', 'workload'],
    ['start', 500, 'error gathering device information while adding custom device "/dev/x": not a device node', 'workload'],
    ['start', 500, 'SELinux relabeling of /etc is not allowed', 'workload'],
    ['start', 500, 'cannot join network of a non running container: abc', 'unavailable'],
    ['create', 404, 'No such image: x:latest', 'not-found'],
    ['create', 409, 'Conflict. The container name "/x" is already in use by container "0123456789ab". You have to remove it', 'conflict'],
    ['exec', 409, 'Container abc is not running', 'conflict'],
    ['other', 400, 'bad parameter', 'invalid'],
    ['other', 403, 'authorization denied by plugin', 'denied'],
    ['other', 404, 'No such container: abc', 'not-found'],
    ['other', 418, 'teapot', 'internal'],
    ['other', 500, 'database is locked', 'unavailable'],
  ])('%s %i "%s" is %s', (call, status, message, code) => {
    const error = translateError(answer(status, message), call);
    expect(error).toMatchObject({ code, message });
  });

  it('tells who has the name', () => {
    const error = translateError(answer(409, 'Conflict. The container name "/x" is already in use by container "0123456789ab". You have to ...'), 'create');
    expect(error).toBeInstanceOf(NameConflict);
    expect(error).toMatchObject({ otherId: '0123456789ab' });
  });

  it.each([
    ['ECONNREFUSED', 'unavailable'],
    ['ENOENT', 'unavailable'],
    ['ECONNRESET', 'unavailable'],
    ['EPIPE', 'unavailable'],
    ['EACCES', 'denied'],
  ])('a socket’s %s is %s', (code, expected) => {
    expect(translateError(Object.assign(new Error('connect'), { code }), 'other')).toMatchObject({ code: expected });
  });

  it('after our own abort is an abort, and a bug stays a bug', () => {
    expect(translateError(new Error('aborted'), 'other', AbortSignal.abort())).toMatchObject({ code: 'aborted' });
    expect(translateError(new TypeError('undefined is not a function'), 'other')).toMatchObject({ code: 'internal' });
  });
});

describe('a failed pull', () => {
  it.each([
    ['manifest for nginx:9 not found: manifest unknown: manifest unknown', 404, 'not-found', false],
    ['pull access denied for x, repository does not exist or may require \'docker login\'', 404, 'denied', false],
    ['unauthorized: authentication required', 500, 'denied', false],
    ['Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host', 500, 'unavailable', false],
    ['failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device', 200, 'no-space', false],
    ['received unexpected HTTP status: 503 Service Unavailable', 503, 'unavailable', true],
    ['invalid reference format', 400, 'invalid', false],
    ['no matching manifest for linux/arm64 in the manifest list entries', undefined, 'not-found', false],
  ])('"%s" (%s) is %s', (words, status, code, registryUnavailable) => {
    expect(pullError(words, status)).toMatchObject({ code, message: words, registryUnavailable });
  });

  it.each([
    ['nginx', { fromImage: 'nginx', tag: 'latest' }],
    ['nginx:1.2', { fromImage: 'nginx', tag: '1.2' }],
    ['host:5000/a/b', { fromImage: 'host:5000/a/b', tag: 'latest' }],
    ['host:5000/a/b:3', { fromImage: 'host:5000/a/b', tag: '3' }],
    ['a@sha256:12', { fromImage: 'a', tag: 'sha256:12' }],
    ['host:5000/a:3@sha256:12', { fromImage: 'host:5000/a:3', tag: 'sha256:12' }],
  ])('never asks for all tags: %s', (reference, expected) => {
    expect(splitReference(reference)).toEqual(expected);
  });
});

describe('the API version', () => {
  it.each([
    ['Docker 20.10', '1.41', '1.12', '1.41'],
    ['Docker 28', '1.50', '1.24', '1.41'],
    ['Docker 29', '1.52', '1.44', '1.44'],
    ['Docker 19.03', '1.40', '1.12', '1.40'],
  ])('spoken with %s', (_which, newest, oldest, expected) => {
    expect(chooseApiVersion({ newest, oldest })).toBe(expected);
  });

  it('is nothing that something else than an Engine says', () => {
    expect(() => chooseApiVersion({ newest: 'v3', oldest: '' })).toThrow(/API version/);
  });
});

describe('the Engine’s host', () => {
  it.each([
    ['unix:///run/docker.sock', true, { socketPath: '/run/docker.sock' }],
    ['tcp://10.0.0.1:2375', false, { host: '10.0.0.1', port: 2375, protocol: 'http' }],
    ['tcp://engine', false, { host: 'engine', port: 2375 }],
  ])('is read from %s', (host, isLocal, options) => {
    expect(engineHost(host)).toMatchObject({ isLocal, options });
  });

  it('behind TLS is spoken to with our certificate', () => {
    const tls = { ca: 'a', cert: 'b', key: 'c' };
    expect(engineHost('tcp://engine', tls).options).toMatchObject({ protocol: 'https', port: 2376, ...tls });
  });

  it.each(['', 'unix://', 'unix://relative', '/var/run/docker.sock', 'ssh://me@host', 'npipe:////./pipe/x', 'tcp://', 'tcp://host/path', 'tcp://host:99999'])(
    'that is none is a fault of the configuration: %s',
    (host) => {
      expect(() => engineHost(host)).toThrow(/is no Docker host/);
    },
  );
});
