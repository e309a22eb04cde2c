import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { inClusterAccess, KubernetesClient, loadKubeconfig } from '../../../src/kubernetes/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { FastClock } from './fast-clock.ts';

const CERTIFICATES = join(import.meta.dirname, 'certificates');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-kubeconfig-'));
});
afterEach(() => rm(folder, { recursive: true }));

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function kubeconfig(cluster: object, user: object = {}, rest: object = {}): Promise<string> {
  const path = join(folder, 'config');
  const config = {
    'current-context': 'here',
    contexts: [
      { name: 'here', context: { cluster: 'c', user: 'u', namespace: 'team' } },
      { name: 'there', context: { cluster: 'd' } },
    ],
    clusters: [
      { name: 'c', cluster },
      { name: 'd', cluster: { server: 'http://there:8080/' } },
    ],
    users: [{ name: 'u', user }],
    ...rest,
  };
  await writeFile(path, stringify(config));
  return path;
}

const SERVER = { server: 'https://k8s.test:6443' };

describe('a kubeconfig', () => {
  it('tells server, namespace and how its certificate is checked', async () => {
    const access = await loadKubeconfig(await kubeconfig({ server: 'https://k8s.test:6443/prefix/', 'insecure-skip-tls-verify': true, 'tls-server-name': 'other.test' }));
    expect({ ...access }).toMatchObject({ server: 'https://k8s.test:6443/prefix', namespace: 'team', insecureSkipTlsVerify: true, tlsServerName: 'other.test' });
  });

  it('has other contexts to choose', async () => {
    const access = await loadKubeconfig(await kubeconfig(SERVER), { context: 'there' });
    expect({ ...access }).toMatchObject({ server: 'http://there:8080', namespace: 'default' });
    expect(await access.authorization()).toBeUndefined();
  });

  it('holds certificates as data or as files relative to itself', async () => {
    await writeFile(join(folder, 'ca.crt'), 'CA');
    const path = await kubeconfig({ ...SERVER, 'certificate-authority': 'ca.crt' }, { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') });
    const access = await loadKubeconfig(path);
    expect(await access.tls()).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY' });
    expect(await access.clientCertificate()).toBe('CERT');
  });

  it.each([
    ['a token', { token: 'abc' }, 'Bearer abc'],
    ['name and password', { username: 'u', password: 'p:w' }, `Basic ${base64('u:p:w')}`],
    ['nothing', {}, undefined],
  ])('has %s for the Authorization header', async (_what, user, wanted) => {
    expect(await (await loadKubeconfig(await kubeconfig(SERVER, user))).authorization()).toBe(wanted);
  });

  it('reads a token file anew after a minute, at once when the server refused it, and never forgets it when it is away', async () => {
    const clock = new FastClock();
    const file = join(folder, 'token');
    await writeFile(file, 'one\n');
    const access = await loadKubeconfig(await kubeconfig(SERVER, { token: 'stale', tokenFile: 'token' }), { clock });
    expect(await access.authorization()).toBe('Bearer one');
    await writeFile(file, 'two\n');
    expect(await access.authorization()).toBe('Bearer one');
    clock.advance(60_000);
    expect(await access.authorization()).toBe('Bearer two');
    await writeFile(file, 'three\n');
    access.renew();
    expect(await access.authorization()).toBe('Bearer three');
    await rm(file);
    clock.advance(60_000);
    expect(await access.authorization()).toBe('Bearer three');
    access.renew();
    expect(await access.authorization()).toBe('Bearer three');
  });

  it.each<[string, () => Promise<string>, string]>([
    ['a file that is not there', async () => '/no/such/file', 'cannot be read'],
    ['no YAML', async () => (await writeFile(join(folder, 'config'), 'token: "geheim'), join(folder, 'config')), 'is no YAML'],
    ['a list', async () => (await writeFile(join(folder, 'config'), '- a'), join(folder, 'config')), 'want a mapping'],
    ['no current context', () => kubeconfig(SERVER, {}, { 'current-context': '' }), 'no current-context'],
    ['a context that is not there', () => kubeconfig(SERVER, {}, { 'current-context': 'gone' }), 'no context "gone"'],
    ['a cluster that is not there', () => kubeconfig(SERVER, {}, { clusters: [] }), 'no cluster "c"'],
    ['a user that is not there', () => kubeconfig(SERVER, {}, { users: null }), 'no user "u"'],
    ['no server', () => kubeconfig({}), 'no valid server URL'],
    ['a server that is no URL', () => kubeconfig({ server: 'k8s:6443' }), 'no valid server URL'],
    ['a proxy', () => kubeconfig({ ...SERVER, 'proxy-url': 'http://p' }), 'proxy-url is not supported'],
    ['an auth provider', () => kubeconfig(SERVER, { 'auth-provider': { name: 'gcp' } }), 'auth-provider is not supported'],
    ['an exec plugin without a command', () => kubeconfig(SERVER, { exec: {} }), 'exec: command is required'],
  ])('that is wrong is named, with what is wrong: %s', async (_what, make, message) => {
    const path = await make();
    const error: unknown = await loadKubeconfig(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(message) as string });
    expect(String(error)).toContain(path);
    expect(String(error)).not.toContain('geheim');
  });

  it.each([
    ['tokenFile', '/no/token'],
    ['client-certificate', '/no/cert'],
    ['client-key', '/no/key'],
  ])('whose %s cannot be read says so', async (field, file) => {
    const path = await kubeconfig(SERVER, { [field]: file });
    await expect(loadKubeconfig(path)).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining(file) as string });
  });
});

describe('a credential plugin', () => {
  /** A plugin that counts its runs in a file and prints the status. */
  async function plugin(status: string, exit = 0): Promise<string> {
    await writeFile(join(folder, 'plugin.sh'), `#!/bin/sh\necho run >> ${folder}/runs\ncat <<EOF\n{"kind":"ExecCredential","status":${status}}\nEOF\nexit ${exit}\n`, { mode: 0o755 });
    return kubeconfig(SERVER, { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh', env: [{ name: 'GREETING', value: 'hello' }], args: null } });
  }
  const runs = async (): Promise<number> => (await readFile(join(folder, 'runs'), 'utf8')).trim().split('\n').length;

  it('is run once for all who ask, and again when the server refuses what it gave', async () => {
    const access = await loadKubeconfig(await plugin('{"token":"from-$GREETING"}'));
    expect(await Promise.all([access.authorization(), access.authorization(), access.tls()])).toEqual(['Bearer from-hello', 'Bearer from-hello', {}]);
    expect(await runs()).toBe(1);
    access.renew();
    await access.authorization();
    expect(await runs()).toBe(2);
  });

  it('is run again when what it gave has expired', async () => {
    const clock = new FastClock();
    const path = await plugin(`{"token":"t","expirationTimestamp":"${new Date(clock.now() + 60_000).toISOString()}"}`);
    const access = await loadKubeconfig(path, { clock });
    await access.authorization();
    clock.advance(59_000);
    await access.authorization();
    expect(await runs()).toBe(1);
    clock.advance(2_000);
    await access.authorization();
    expect(await runs()).toBe(2);
  });

  it('may give a client certificate', async () => {
    const access = await loadKubeconfig(await plugin('{"clientCertificateData":"CERT","clientKeyData":"KEY"}'));
    expect(await access.clientCertificate()).toBeUndefined(); // asking for it runs nothing
    expect(await access.tls()).toEqual({ cert: 'CERT', key: 'KEY' });
    expect(await access.clientCertificate()).toBe('CERT');
    expect(await runs()).toBe(1);
    expect(await access.authorization()).toBeUndefined();
  });

  it.each([
    ['fails', '{"token":"geheim"}', 3, 'exit code 3'],
    ['prints no JSON', 'geheim', 0, 'printed no ExecCredential'],
    ['prints no status', 'null', 0, 'printed no ExecCredential'],
  ])('that %s is named, its output is not', async (_what, status, exit, message) => {
    const access = await loadKubeconfig(await plugin(status, exit));
    const error: unknown = await access.authorization().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'denied', message: expect.stringContaining(message) as string });
    expect(String(error)).not.toContain('geheim');
  });
});

describe('TLS', () => {
  /** A server that wants a client certificate and answers with its name. */
  async function server(refused: ReadonlySet<string> = new Set()): Promise<{ url: string } & AsyncDisposable> {
    const [ca, cert, key] = await Promise.all(['ca.pem', 'server.pem', 'server.key'].map((name) => readFile(join(CERTIFICATES, name))));
    const https = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const socket = request.socket as TLSSocket;
      const name = String(socket.getPeerCertificate().subject?.CN);
      if (socket.authorized && !refused.has(name)) return void response.end(JSON.stringify({ kind: name }));
      response.writeHead(401).end(JSON.stringify({ kind: 'Status', reason: 'Unauthorized', message: 'no' }));
    });
    await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
    return {
      url: `https://127.0.0.1:${(https.address() as AddressInfo).port}`,
      [Symbol.asyncDispose]: async () => {
        const closed = new Promise((resolve) => https.close(resolve));
        https.closeAllConnections();
        await closed;
      },
    };
  }
  const ask = async (path: string): Promise<string | undefined> => {
    const client = new KubernetesClient({ access: await loadKubeconfig(path), logger: silentLogger });
    try {
      return (await client.get({ apiVersion: 'v1', resource: 'nodes', name: 'a' })).kind;
    } finally {
      await client.close();
    }
  };
  const at = (name: string): string => join(CERTIFICATES, name);

  it('checks the server and shows our certificate', async () => {
    await using https = await server();
    const path = await kubeconfig({ server: https.url, 'certificate-authority': at('ca.pem') }, { 'client-certificate': at('client.pem'), 'client-key': at('client.key') });
    expect(await ask(path)).toBe('client');
  });

  it('does not speak to a server whose authority it does not know, unless told to', async () => {
    await using https = await server();
    const user = { 'client-certificate': at('client.pem'), 'client-key': at('client.key') };
    await expect(ask(await kubeconfig({ server: https.url }, user))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await ask(await kubeconfig({ server: https.url, 'insecure-skip-tls-verify': true }, user))).toBe('client');
  });

  it('checks the server for another name where one is told', async () => {
    await using https = await server();
    const user = { 'client-certificate': at('client.pem'), 'client-key': at('client.key') };
    const cluster = { server: https.url, 'certificate-authority': at('ca.pem') };
    expect(await ask(await kubeconfig({ ...cluster, 'tls-server-name': 'kubernetes.test' }, user))).toBe('client');
    await expect(ask(await kubeconfig({ ...cluster, 'tls-server-name': 'else.test' }, user))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('uses a certificate that was changed on disk as soon as the old one is refused', async () => {
    const refused = new Set<string>();
    await using https = await server(refused);
    const { client, copy } = await changing(https.url, 'client', 'client');
    expect((await client.get(NODE)).kind).toBe('client');
    await copy('client-2', 'client-2');
    expect((await client.get(NODE)).kind).toBe('client');
    refused.add('client');
    expect((await client.get(NODE)).kind).toBe('client-2');
    await client.close();
  });

  it('survives a certificate whose key does not fit yet', async () => {
    await using https = await server();
    const { client, copy } = await changing(https.url, 'client-2', 'client');
    await expect(client.get(NODE)).rejects.toMatchObject({ code: 'unavailable' });
    await copy('client-2', 'client-2');
    expect((await client.get(NODE)).kind).toBe('client-2');
    await client.close();
  });

  const NODE = { apiVersion: 'v1', resource: 'nodes', name: 'a' };

  /** A client whose certificate and key are files that change, and what they are first. */
  async function changing(url: string, cert: string, key: string): Promise<{ client: KubernetesClient; copy: (cert: string, key: string) => Promise<void> }> {
    const copy = async (cert: string, key: string): Promise<void> => {
      await writeFile(join(folder, 'tls.pem'), await readFile(at(`${cert}.pem`)));
      await writeFile(join(folder, 'tls.key'), await readFile(at(`${key}.key`)));
    };
    await copy(cert, key);
    const path = await kubeconfig({ server: url, 'certificate-authority': at('ca.pem') }, { 'client-certificate': 'tls.pem', 'client-key': 'tls.key' });
    return { client: new KubernetesClient({ access: await loadKubeconfig(path), logger: silentLogger }), copy };
  }
});

describe('inside of a pod', () => {
  it('the service account of the pod is used', async () => {
    for (const [name, text] of Object.entries({ token: 'abc', 'ca.crt': 'CA', namespace: 'team\n' })) await writeFile(join(folder, name), text);
    const access = await inClusterAccess({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, { folder });
    expect({ ...access }).toMatchObject({ server: 'https://[fd00::1]:443', namespace: 'team', insecureSkipTlsVerify: false });
    expect([await access.authorization(), await access.tls()]).toEqual(['Bearer abc', { ca: 'CA' }]);
  });

  it('must be true', async () => {
    await expect(inClusterAccess({})).rejects.toMatchObject({ code: 'invalid' });
  });
});
