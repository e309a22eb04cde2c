/**
 * Stands in for a Docker Engine, so that a thousand runs take minutes: speaks as much of the Engine API v1.41 as src/docker asks for, on a
 * Unix socket. Its containers are scripts, run without a process. What it answers is what dockerd 20.10 answers; the contract test
 * (contract.test.ts) holds it to that.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connections } from '../../support/connections.ts';
import { type Body, StandInContainer } from './container.ts';
import type { Execs } from './execs.ts';
import { EngineEvents, hasLabels, NanoClock } from './events.ts';
import { imageNamed } from './images.ts';
import { Refusal } from './refusal.ts';
import { serve } from './routes.ts';

/** How long the Engine takes over a call, milliseconds; the name is that of the last part of its path. */
export type Latency = (call: string) => number;

/** First process id that no process of this machine has. */
const FIRST_PID = 5_000_000;

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export class StandInEngine implements AsyncDisposable {
  readonly dir: string;
  readonly events: EngineEvents;
  readonly clock = new NanoClock();
  readonly #containers = new Map<string, StandInContainer>();
  readonly #names = new Map<string, string>();
  readonly #connections = new Connections();
  /** Starts of containers by pod UID and container name: `<uid>/<name>`. */
  readonly starts = new Map<string, number>();
  readonly execs: Execs = new Map();
  latency: Latency = () => 0;
  #server: Server | undefined;
  #addresses = 1;
  #nextPid = FIRST_PID;

  private constructor(dir: string) {
    this.dir = dir;
    this.events = new EngineEvents(this.clock);
  }

  static async start(): Promise<StandInEngine> {
    const engine = new StandInEngine(await mkdtemp(join(tmpdir(), 'km-stand-in-')));
    await engine.up();
    return engine;
  }

  get socketPath(): string {
    return join(this.dir, 'docker.sock');
  }

  get containers(): readonly StandInContainer[] {
    return [...this.#containers.values()];
  }

  async up(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => void serve(this, request, response));
    server.on('connection', (socket) => this.#connections.add(socket));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.socketPath, resolve));
    this.#server = server;
  }

  /** Its process ends: connections break, new ones are refused, containers go on. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await this.#connections.end(server);
    this.events.forget();
  }

  /** What becomes of containers where dockerd is stopped without live-restore: all end. */
  killAll(): void {
    for (const container of this.#containers.values()) if (container.running) container.signal('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    this.killAll();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** By id, its beginning, or name. Throws the Engine's 404. */
  find(reference: string): StandInContainer {
    const found = this.#containers.get(reference) ?? this.#containers.get(this.#names.get(reference) ?? '') ?? this.#byPrefix(reference);
    if (found === undefined) throw new Refusal(404, `No such container: ${reference}`);
    return found;
  }

  list(labels: readonly string[], all: boolean): StandInContainer[] {
    return this.containers.filter(({ body, running }) => (all || running) && hasLabels(body.Labels, labels)).reverse();
  }

  create(name: string, body: Body): StandInContainer {
    if (!NAME.test(name)) throw new Refusal(400, `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    const other = this.#names.get(name);
    if (other !== undefined) {
      throw new Refusal(409, `Conflict. The container name "/${name}" is already in use by container "${other}". You have to remove (or rename) that container to be able to reuse that name.`);
    }
    const image = imageNamed(body.Image);
    if (image === undefined) throw new Refusal(404, `No such image: ${body.Image}`);
    const mode = body.HostConfig.NetworkMode;
    const joined = mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
    if (joined !== undefined && !this.#containers.has(joined)) throw new Refusal(400, `No such container: ${joined}`);
    const around = { rootDir: this.dir, nowNanos: () => this.clock.now(), nextPid: () => this.#nextPid++, tell: (of: StandInContainer, action: string, more?: Record<string, string>) => this.#tell(of, action, more) };
    const ip = mode === 'default' ? `172.31.${this.#addresses >> 8}.${this.#addresses++ & 255}` : undefined;
    const container = new StandInContainer(around, { id: randomBytes(32).toString('hex'), name, body, image, ip });
    this.#containers.set(container.id, container);
    this.#names.set(name, container.id);
    this.#tell(container, 'create');
    return container;
  }

  /** False when it runs already. */
  start(container: StandInContainer): boolean {
    if (container.removing) throw new Refusal(409, 'container is marked for removal and cannot be started');
    if (container.running) return false;
    const mode = container.body.HostConfig.NetworkMode;
    if (mode.startsWith('container:')) {
      const joined = this.find(mode.slice('container:'.length));
      if (!joined.running) throw new Refusal(409, `cannot join network of a non running container: ${joined.id}`);
    }
    const { [UID]: uid = '', [CONTAINER]: name = '' } = container.body.Labels;
    this.starts.set(`${uid}/${name}`, (this.starts.get(`${uid}/${name}`) ?? 0) + 1);
    container.start();
    return true;
  }

  /** False when it does not run. Resolves when it has ended. */
  async stop(container: StandInContainer, graceMs: number): Promise<boolean> {
    if (!container.running) return false;
    container.signal('SIGTERM');
    const late = new AbortController();
    const kill = sleep(graceMs, undefined, { signal: late.signal, ref: false }).then(() => container.signal('SIGKILL'), () => undefined);
    await container.ended();
    late.abort();
    await kill;
    this.#tell(container, 'stop');
    return true;
  }

  async remove(container: StandInContainer, force: boolean): Promise<void> {
    if (container.removing) throw new Refusal(409, `removal of container ${container.id} is already in progress`);
    if (container.running && !force) {
      throw new Refusal(409, `You cannot remove a running container ${container.id}. Stop the container before attempting removal or force remove`);
    }
    container.removing = true;
    if (container.running) {
      container.signal('SIGKILL');
      await container.ended();
    }
    await sleep(this.latency('remove'));
    this.#containers.delete(container.id);
    this.#names.delete(container.name);
    await rm(container.dir, { recursive: true, force: true });
    this.#tell(container, 'destroy');
  }

  #tell(container: StandInContainer, action: string, more: Record<string, string> = {}): void {
    const { id, name, body } = container;
    this.events.tell(action, id, body.Image, { ...body.Labels, image: body.Image, name, ...more });
  }

  #byPrefix(reference: string): StandInContainer | undefined {
    if (!/^[0-9a-f]{6,63}$/.test(reference)) return undefined;
    return this.containers.find(({ id }) => id.startsWith(reference));
  }
}

const UID = 'io.kubernetes.pod.uid';
const CONTAINER = 'io.kubernetes.container.name';
