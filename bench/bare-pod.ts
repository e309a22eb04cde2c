/**
 * The two containers of a pod made by bare calls to the Docker Engine: the least that anybody can need for them. Their settings are
 * those of a pod that the executor has made, read back from the Engine, so that the work is equal.
 */
import type { EngineConnection } from '../scripts/engine-api.ts';

const BENCH_LABEL = 'km.bench';

interface Inspected {
  readonly Id: string;
  readonly Config: Readonly<Record<string, unknown>> & { readonly Hostname?: string; readonly Domainname?: string; readonly ExposedPorts?: unknown; readonly Labels: Readonly<Record<string, string>> };
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
    const made: string[] = [];
    const remove = async (): Promise<void> => {
      for (const id of made.toReversed()) await done(this.#engine, 'DELETE', `/containers/${id}?force=1&v=1`);
    };
    try {
      for (const like of [this.#sandbox, this.#container]) {
        made.push(await this.#create(like, made[0]));
        await done(this.#engine, 'POST', `/containers/${made.at(-1)}/start`);
      }
    } catch (error) {
      await remove();
      throw error;
    }
    return remove;
  }

  async #create(like: Inspected, sandbox: string | undefined): Promise<string> {
    const { Hostname, Domainname, ExposedPorts: _image, ...config } = like.Config;
    // Other labels: the executor removes what carries its own and belongs to no task.
    const body = { ...config, Labels: { [BENCH_LABEL]: 'start' }, HostConfig: like.HostConfig };
    // What joins a sandbox has its host name and ports, and may not name any itself; the image's ports come by themselves.
    const text = sandbox === undefined ? JSON.stringify({ ...body, Hostname, Domainname }) : JSON.stringify(body).replaceAll(this.#sandbox.Id, sandbox);
    return (await json<{ Id: string }>(this.#engine, 'POST', '/containers/create', JSON.parse(text) as object)).Id;
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
