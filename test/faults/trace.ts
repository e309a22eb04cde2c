/** Listens to the API and holds every change against the promises: what was said of a pod may not be taken back. */
import type { EmbeddedApi, KubernetesObject } from '../../src/harness/index.ts';
import type { Pod, PodStatus } from '../../src/pod/index.ts';
import type { Laboratory } from './laboratory.ts';

interface Said {
  phase?: string;
  startTime?: string;
  readonly restarts: Map<string, number>;
}

export class ApiTrace {
  readonly #faults: { readonly uid: string; readonly text: string; readonly unlessForced: boolean }[] = [];
  readonly #lab: Laboratory;
  readonly #wasForced: (uid: string) => boolean;
  readonly #said = new Map<string, Said>();
  readonly #release: () => void;

  constructor(lab: Laboratory, api: EmbeddedApi, wasForced: (uid: string) => boolean) {
    this.#lab = lab;
    this.#wasForced = wasForced;
    this.#release = api.onChange(({ type, object }) => {
      if (object.kind === 'Pod') this.#take(type, object);
    });
  }

  /** Asked for when all is over: whether a deletion was forced is known with its answer. */
  get faults(): string[] {
    return this.#faults.filter(({ uid, unlessForced }) => !unlessForced || !this.#wasForced(uid)).map(({ text }) => text);
  }

  /** The API has forgotten what was said. */
  reset(): void {
    this.#said.clear();
  }

  stop(): void {
    this.#release();
  }

  #take(type: string, object: KubernetesObject): void {
    const { metadata, status } = object as unknown as Pod & { status?: PodStatus };
    const { uid = '', name = '' } = metadata ?? {};
    if (type === 'DELETED') return this.#deleted(uid, name);
    const fault = (text: string): void => void this.#faults.push({ uid, text: `pod ${name}: ${text}`, unlessForced: false });
    const said = this.#said.get(uid) ?? { restarts: new Map<string, number>() };
    this.#said.set(uid, said);
    const { phase, startTime, containerStatuses = [], initContainerStatuses = [] } = status ?? {};
    if (said.phase !== phase) this.#lab.note(`api: pod ${name} is ${phase ?? 'nothing'}`);
    if (isOver(said.phase) && phase !== said.phase) fault(`phase ${said.phase ?? ''} became ${phase ?? 'none'}`);
    if (said.startTime !== undefined && startTime !== said.startTime) fault(`startTime moved from ${said.startTime} to ${startTime ?? 'none'}`);
    for (const { name: container, restartCount } of [...containerStatuses, ...initContainerStatuses]) {
      const before = said.restarts.get(container) ?? 0;
      if (restartCount < before) fault(`restartCount of ${container} fell from ${before} to ${restartCount}`);
      said.restarts.set(container, restartCount);
    }
    if (phase !== undefined) said.phase = phase;
    if (startTime !== undefined) said.startTime = startTime;
  }

  #deleted(uid: string, name: string): void {
    this.#lab.note(`api: pod ${name} is deleted`);
    const left = this.#lab.engine.now(uid);
    if (left.length > 0) this.#faults.push({ uid, text: `pod ${name}: its API object was deleted while there was ${left.join(', ')}`, unlessForced: true });
  }
}

function isOver(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
