/** Two registries on the loopback for one run, so that specs about pulling have something to pull: an open one, and one with a password. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineConnection } from '../engine-api.ts';
import { freePorts } from './free-ports.ts';
import { AGNHOST, BUSYBOX } from './images.ts';
import { Program } from './programs.ts';

export interface Registries extends AsyncDisposable {
  /** Where the suite finds which of its images, beside those of images.ts. */
  readonly repositories: Readonly<Record<string, string>>;
  /** File with the password, as a docker client keeps it; specs make pull secrets of it. */
  readonly dockerConfig: string;
}

export interface RegistriesOptions {
  readonly engine: EngineConnection;
  readonly bin: string;
  /** For what they keep; short of life. */
  readonly dir: string;
  readonly logs: string;
  readonly signal: AbortSignal;
}

/** Of the one with a password, and its bcrypt sum, which is all that the registry reads. It guards nothing but the difference between the two. */
const USER = 'conformance';
const PASSWORD = 'conformance';
const PASSWORD_SUM = '$2b$05$abcdefghijklmnopqrstuu8wrnt2q3yAIapknYx4/IT1Vxpg1sDR.';

const READY_MS = 30_000;
const PUSH_MS = 120_000;

/** Resolves when both answer and have their images. The Engine must be on this machine. */
export async function startRegistries({ engine, bin, dir, logs, signal }: RegistriesOptions): Promise<Registries> {
  await using started = new AsyncDisposableStack();
  const [openPort = 0, closedPort = 0] = await freePorts(2);
  const [open, closed] = [`127.0.0.1:${openPort}`, `127.0.0.1:${closedPort}`];
  const passwords = join(dir, 'registry-passwords');
  writeFileSync(passwords, `${USER}:${PASSWORD_SUM}\n`, { mode: 0o600 });
  const start = async (name: string, address: string, auth: object): Promise<void> => {
    const home = join(dir, name);
    mkdirSync(home);
    const config = join(home, 'config.yml'); // JSON is YAML
    writeFileSync(config, JSON.stringify({ version: '0.1', log: { level: 'warn' }, storage: { filesystem: { rootdirectory: join(home, 'data') } }, http: { addr: address }, ...auth }));
    const program = started.use(new Program({ name, file: join(bin, 'docker-registry'), arguments: ['serve', config] }, logs));
    await program.until(async () => (await fetch(`http://${address}/v2/`, { signal: AbortSignal.timeout(2_000) })).status > 0, READY_MS, signal);
  };
  await Promise.all([start('registry', open, {}), start('registry-with-password', closed, { auth: { htpasswd: { realm: 'conformance', path: passwords } } })]);

  const repositories = { promoterE2eRegistry: `${open}/e2e`, gcAuthenticatedRegistry: `${closed}/closed` };
  // agnhost is there before a spec pulls it, under the name that all of them use; the other one is not.
  await provide(engine, AGNHOST, `${repositories.promoterE2eRegistry}/agnhost`, '2.21');
  const secret = `${repositories.gcAuthenticatedRegistry}/alpine`;
  started.defer(() => forget(engine, `${repositories.promoterE2eRegistry}/agnhost:2.21`));
  started.defer(() => forget(engine, `${secret}:3.7`));
  await provide(engine, BUSYBOX, secret, '3.7');
  await forget(engine, `${secret}:3.7`);

  const dockerConfig = join(dir, 'docker-config.json');
  const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
  writeFileSync(dockerConfig, JSON.stringify({ auths: { [closed]: { auth } } }), { mode: 0o600 });
  const running = started.move();
  return { repositories, dockerConfig, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Gives an image of the Engine a second name and pushes it there. Throws with what the Engine said. */
async function provide(engine: EngineConnection, image: string, repository: string, tag: string): Promise<void> {
  const tagged = await engine.request('POST', `/images/${image}/tag?${new URLSearchParams({ repo: repository, tag }).toString()}`);
  if (tagged.status !== 201) throw new Error(`the Engine did not tag ${image} as ${repository}:${tag}: ${tagged.text.trim()}`);
  const pushed = await engine.request('POST', `/images/${repository}/push?tag=${tag}`, { registryAuth: { username: USER, password: PASSWORD }, timeoutMs: PUSH_MS });
  if (pushed.status !== 200 || pushed.text.includes('"errorDetail"')) throw new Error(`the Engine did not push ${repository}:${tag}: ${pushed.text.trim().slice(-500)}`);
}

/** The layers stay: another name of the image has them. */
async function forget(engine: EngineConnection, reference: string): Promise<void> {
  await engine.request('DELETE', `/images/${reference}?force=1`);
}
