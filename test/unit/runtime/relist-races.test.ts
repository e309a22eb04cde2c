import { expect, test } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import type { ContainerSummary, Engine, EngineEvent } from '../../../src/docker/index.ts';
import type { ObservedContainer } from '../../../src/pod/index.ts';
import { Relist } from '../../../src/runtime/relist.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

const container = (id: string, state: ObservedContainer['state'] = 'running'): ObservedContainer => ({
  id, kind: 'container', name: 'web', attempt: 0, state, image: 'i', imageId: 'i', hash: 'h', createdAt: 1, oomKilled: false,
});

/** An Engine whose answers come when the test wants them to. */
async function started() {
  const clock = new ManualClock();
  const lists: ((found: ContainerSummary[] | Promise<never>) => void)[] = [];
  const inspects: { id: string; answer: (container: ObservedContainer | undefined) => void; fail: () => void }[] = [];
  let emit: (event: EngineEvent) => void = () => undefined;
  const engine = {
    list: () => new Promise<ContainerSummary[]>((resolve) => lists.push(resolve)),
    events: async function* ({ signal, onOpen }: { signal: AbortSignal; onOpen?: () => void }) {
      onOpen?.();
      while (!signal.aborted) {
        yield await new Promise<EngineEvent>((resolve, reject) => {
          emit = resolve;
          signal.addEventListener('abort', () => reject(new KmError('aborted', 'stopped')));
        });
      }
    },
  } as unknown as Engine;
  const relist = new Relist({
    engine, labels: {}, clock, logger: silentLogger, onChanged: () => undefined, onHealth: () => undefined,
    observe: (id) => new Promise((resolve, reject) => {
      inspects.push({ id, fail: () => reject(new KmError('unavailable', 'away')), answer: (found) => (found === undefined ? reject(new KmError('not-found', 'gone')) : resolve({ uid: 'u-1', container: found })) });
    }),
  });
  const begun = relist.start();
  await settle();
  lists.shift()?.([]);
  await begun;
  return { relist, clock, lists, inspects, emit: (action: string, id: string) => emit({ action, id, timeNano: 1n, labels: {} }) };
}

test('a container that is destroyed while it is looked at does not come back', async () => {
  const { relist, inspects, emit } = await started();
  emit('die', 'a');
  await settle();
  emit('destroy', 'a');
  await settle();
  inspects.shift()?.answer(container('a', 'exited'));
  await settle();
  inspects.shift()?.answer(undefined);
  await settle();
  expect(relist.pod('u-1').containers).toEqual([]);
  await relist.stop();
});

test('a container that is made while all are listed is not taken for gone', async () => {
  const { relist, lists, inspects } = await started();
  const listed = relist.all();
  await settle();
  const refreshed = relist.refresh('a');
  await settle();
  inspects.shift()?.answer(container('a'));
  await refreshed;
  lists.shift()?.([]);
  await listed;
  expect(relist.pod('u-1').containers.map(({ id }) => id)).toEqual(['a']);
  await relist.stop();
});

const listed = (id: string, status: string): ContainerSummary => ({ id, name: id, status, labels: {}, createdAt: 1 });

test('an inspect that fails is made up for within seconds', async () => {
  const { relist, clock, lists, inspects, emit } = await started();
  emit('die', 'a');
  await settle();
  inspects.shift()?.fail();
  await settle();
  await clock.advance(2_000);
  await settle();
  lists.shift()?.([listed('a', 'exited')]);
  await settle();
  inspects.shift()?.answer(container('a', 'exited'));
  await settle();
  expect(relist.pod('u-1').containers.map(({ state }) => state)).toEqual(['exited']);
  await relist.stop();
});

test('a list that fails is asked for again within seconds', async () => {
  const { relist, clock, lists, inspects } = await started();
  await clock.advance(60_000);
  await settle();
  lists.shift()?.(Promise.reject(new KmError('unavailable', 'away')));
  await settle();
  await clock.advance(2_000);
  await settle();
  lists.shift()?.([listed('a', 'running')]);
  await settle();
  inspects.shift()?.answer(container('a'));
  await settle();
  expect(relist.pod('u-1').containers.map(({ id }) => id)).toEqual(['a']);
  await relist.stop();
});
