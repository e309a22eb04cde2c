import { describe, expect, it } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import type { ContainerSummary, Engine, EngineEvent } from '../../../src/docker/index.ts';
import type { ObservedContainer } from '../../../src/pod/index.ts';
import { Relist } from '../../../src/runtime/relist.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

const RELIST_MS = 60_000;

/** Containers that a test changes, an event stream that it writes and breaks. */
class ScriptedEngine {
  readonly containers = new Map<string, ObservedContainer>();
  readonly inspects: string[] = [];
  readonly since: (bigint | undefined)[] = [];
  broken = false;
  failing = false;
  #wake = Promise.withResolvers<void>();
  readonly #queue: EngineEvent[] = [];
  #streamBroken = false;

  emit(action: string, id: string, timeNano: bigint): void {
    this.#queue.push({ action, id, timeNano, labels: {} });
    this.#wake.resolve();
  }

  breakStream(): void {
    this.#streamBroken = true;
    this.#wake.resolve();
  }

  readonly asEngine = {
    list: async (): Promise<ContainerSummary[]> => {
      if (this.broken) throw new KmError('unavailable', 'the Engine is away');
      return [...this.containers.values()].map(({ id, state }) => ({ id, name: id, status: state, labels: {}, createdAt: 0 }));
    },
    events: (options: { since?: bigint; signal: AbortSignal; onOpen?: () => void }) => this.#events(options),
  } as unknown as Engine;

  readonly observe = async (id: string): Promise<{ uid: string; container: ObservedContainer }> => {
    this.inspects.push(id);
    if (this.failing) throw new KmError('unavailable', 'no answer');
    const container = this.containers.get(id);
    if (container === undefined) throw new KmError('not-found', 'no such container');
    return { uid: 'u-1', container };
  };

  async *#events({ since, signal, onOpen }: { since?: bigint; signal: AbortSignal; onOpen?: () => void }): AsyncGenerator<EngineEvent> {
    this.since.push(since);
    if (this.broken) throw new KmError('unavailable', 'the Engine is away');
    this.#streamBroken = false;
    onOpen?.();
    signal.addEventListener('abort', () => this.#wake.resolve());
    while (!signal.aborted) {
      if (this.#streamBroken) throw new KmError('unavailable', 'stream broke');
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }
}

function container(id: string, change: Partial<ObservedContainer> = {}): ObservedContainer {
  return { id, kind: 'container', name: 'web', attempt: 0, state: 'running', image: 'i', imageId: 'i', hash: 'h', createdAt: 1, oomKilled: false, ...change };
}

async function started(engine = new ScriptedEngine()) {
  const clock = new ManualClock();
  const changed: string[] = [];
  const health: boolean[] = [];
  const relist = new Relist({
    engine: engine.asEngine, labels: {}, observe: engine.observe, clock, logger: silentLogger,
    onChanged: (uid) => changed.push(uid), onHealth: (ok) => health.push(ok),
  });
  await relist.start();
  await settle();
  return { engine, clock, relist, changed, health };
}

describe('Relist', () => {
  it('looks at a container when an event names it, and only at events that can change something', async () => {
    const { engine, relist, changed } = await started();
    engine.containers.set('a', container('a'));
    engine.emit('create', 'a', 1n);
    engine.emit('exec_start: sh', 'a', 2n);
    engine.emit('kill', 'a', 3n);
    engine.emit('oom', 'a', 4n);
    await settle();
    expect(engine.inspects).toEqual([]);
    engine.emit('start', 'a', 5n);
    await settle();
    expect(relist.pod('u-1').containers.map(({ id }) => id)).toEqual(['a']);
    expect(changed).toEqual(['u-1']);
    await relist.stop();
  });

  it('tells of a pod only when something is different', async () => {
    const { engine, relist, changed } = await started();
    engine.containers.set('a', container('a'));
    await relist.refresh('a');
    await relist.refresh('a');
    expect(changed).toEqual(['u-1']);
    engine.containers.set('a', container('a', { state: 'exited', exitCode: 0 }));
    await relist.refresh('a');
    expect(changed).toEqual(['u-1', 'u-1']);
    await relist.stop();
  });

  it('keeps what it saw when an inspect fails, and drops what Docker says is gone', async () => {
    const { engine, relist } = await started();
    engine.containers.set('a', container('a'));
    await relist.refresh('a');
    engine.failing = true;
    await relist.refresh('a');
    expect(relist.pod('u-1').containers).toHaveLength(1);
    engine.failing = false;
    engine.containers.delete('a');
    await relist.refresh('a');
    expect(relist.pod('u-1').containers).toEqual([]);
    expect(relist.uids()).toEqual([]);
    await relist.stop();
  });

  it('finds what no event told of once a minute', async () => {
    const { engine, clock, relist } = await started();
    engine.containers.set('a', container('a'));
    await clock.advance(RELIST_MS);
    expect(relist.pod('u-1').containers).toHaveLength(1);
    engine.containers.set('a', container('a', { state: 'exited', exitCode: 3 }));
    await clock.advance(RELIST_MS);
    expect(relist.pod('u-1').containers[0]?.exitCode).toBe(3);
    engine.containers.delete('a');
    await clock.advance(RELIST_MS);
    expect(relist.pod('u-1').containers).toEqual([]);
    await relist.stop();
  });

  it('after a broken stream looks at everything and resumes behind the last event', async () => {
    const { engine, clock, relist } = await started();
    engine.containers.set('a', container('a'));
    engine.emit('start', 'a', 17n);
    await settle();
    engine.containers.set('b', container('b'));
    engine.breakStream();
    await settle();
    await clock.advance(200);
    expect(relist.pod('u-1').containers.map(({ id }) => id).sort()).toEqual(['a', 'b']);
    expect(engine.since).toEqual([undefined, 17n]);
    await relist.stop();
  });

  it('says when the Engine is away and when it is back, and leaves no timer behind', async () => {
    const { engine, clock, relist, health } = await started();
    engine.broken = true;
    engine.breakStream();
    await settle();
    await clock.advance(3000);
    expect(health).toEqual([false]);
    engine.broken = false;
    await clock.advance(6000);
    expect(health).toEqual([false, true]);
    await relist.stop();
    expect(clock.pending).toBe(0);
  });

  it('says so too when the Engine does not tell what there is, twice, although its events are as silent as ever', async () => {
    const { engine, clock, relist, health } = await started();
    engine.broken = true;
    await clock.advance(RELIST_MS);
    expect(health).toEqual([]);
    await clock.advance(1000);
    expect(health).toEqual([false]);
    engine.broken = false;
    await clock.advance(2000);
    expect(health).toEqual([false, true]);
    await relist.stop();
  });

  it('fails to start while the Engine is away, and starts later with one stream', async () => {
    const engine = new ScriptedEngine();
    engine.broken = true;
    const clock = new ManualClock();
    const relist = new Relist({ engine: engine.asEngine, labels: {}, observe: engine.observe, clock, logger: silentLogger, onChanged: () => undefined, onHealth: () => undefined });
    await expect(relist.start()).rejects.toThrow('the Engine is away');
    engine.broken = false;
    await relist.start();
    await clock.advance(1000);
    engine.containers.set('a', container('a'));
    engine.emit('start', 'a', 1n);
    await settle();
    expect(engine.inspects).toEqual(['a']);
    await relist.stop();
  });

  it('orders the containers of a pod newest first', async () => {
    const { engine, relist } = await started();
    engine.containers.set('old', container('old', { attempt: 0, state: 'exited' }));
    engine.containers.set('new', container('new', { attempt: 1 }));
    engine.containers.set('box', container('box', { kind: 'sandbox', name: 'POD' }));
    await relist.all();
    expect(relist.pod('u-1').containers.map(({ id }) => id)).toEqual(['new', 'old']);
    expect(relist.pod('u-1').sandboxes.map(({ id }) => id)).toEqual(['box']);
    await relist.stop();
  });
});
