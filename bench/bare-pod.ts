/**
 * The two containers of a pod made by bare calls to the Docker Engine: the least that anybody can need for them. Their settings are
 * those of a pod that the executor has made, read back from the Engine, so that the work is equal.
 */
import type { EngineConnection } from '../scripts/engine-api.ts';

const BENCH_LABEL = 'km.bench';

interface Inspected {
  readonly Id: string;
  readonly Config: Readonly<Record<string, unknown>> & { readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

export class BarePod {
  readonly #engine: EngineConnection;
  readonly #sandbox: Inspected;
  readonly #container: Inspected;

  private constructor(engine: EngineConnection, sandbox: Inspected, container: Inspected) {
    this.#engine = engine;
    this.#sandbox = sandbox;
    this.#container = container;
  }

  /** Takes the settings of the pod with this UID, which must stay for as long as they are used: they name its files. */
  static async like(engine: EngineConnection, uid: string): Promise<BarePod> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`io.kubernetes.pod.uid=${uid}`] }));
    const ids = (await json<{ Id: string }[]>(engine, 'GET', `/containers/json?filters=${filters}`)).map(({ Id }) => Id);
    const all = await Promise.all(ids.map((id) => json<Inspected>(engine, 'GET', `/containers/${id}/json`)));
    const kind = (wanted: string): Inspected => {
      const found = all.find(({ Config }) => Config.Labels['io.kubernetes.docker.type'] === wanted);
      if (found === undefined) throw new Error(`pod ${uid} has no ${wanted}`);
      return found;
    };
    return new BarePod(engine, kind('podsandbox'), kind('container'));
  }

  /** Creates and starts both, one call after the other. Resolves with what removes them. */
  async start(): Promise<() => Promise<void>> {
    const sandbox = await this.#run(this.#sandbox, []);
    const container = await this.#run(this.#container, [this.#sandbox.Id, sandbox]);
    return async () => {
      for (const id of [container, sandbox]) await done(this.#engine, 'DELETE', `/containers/${id}?force=1&v=1`);
    };
  }

  async #run({ Config, HostConfig }: Inspected, [from, to]: readonly string[]): Promise<string> {
    // Other labels: the executor removes what carries its own and belongs to no task.
    const body = JSON.stringify({ ...Config, Labels: { [BENCH_LABEL]: 'start' }, HostConfig });
    const joined = from === undefined || to === undefined ? body : body.replaceAll(from, to);
    const { Id } = await json<{ Id: string }>(this.#engine, 'POST', '/containers/create', JSON.parse(joined) as object);
    await done(this.#engine, 'POST', `/containers/${Id}/start`);
    return Id;
  }
}

async function json<T>(engine: EngineConnection, method: string, path: string, body?: object): Promise<T> {
  return JSON.parse(await done(engine, method, path, body)) as T;
}

async function done(engine: EngineConnection, method: string, path: string, body?: object): Promise<string> {
  const answer = await engine.request(method, path, body === undefined ? {} : { body });
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.text;
}
