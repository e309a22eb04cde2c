/** A container that the kernel kills for its memory, at a moment when the Engine hears of it. */
import { type Engine, LABELS } from '../../src/docker/index.ts';

/**
 * A shell script that takes all memory once `eatMemory` says so. The Engine listens to the kernel only when a start has returned, hears of the deed in its own
 * time, and forgets what comes behind the container's end: the container outlives its greedy process, and neither comes by chance.
 */
export const GREEDY = 'until [ -e /tmp/go ]; do sleep 0.1; done; tail /dev/zero; until [ -e /tmp/end ]; do sleep 0.1; done; exit 1';

/** Lets a running container with `GREEDY` exceed its memory, and end (exit code 1) when the Engine has told of it. */
export async function eatMemory(engine: Engine, id: string): Promise<void> {
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const told = (async () => {
    for await (const event of engine.events({ labels: { [LABELS.podUid]: '' }, signal: stop.signal, onOpen: opened.resolve })) {
      if (event.id === id && event.action === 'oom') return;
    }
  })();
  await Promise.race([opened.promise, told]);
  await touch(engine, id, '/tmp/go');
  await told;
  stop.abort();
  await touch(engine, id, '/tmp/end');
}

async function touch(engine: Engine, id: string, file: string): Promise<void> {
  await engine.exec(id, ['touch', file], { timeoutMs: 30_000 });
}
