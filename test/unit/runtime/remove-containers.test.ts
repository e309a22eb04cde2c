import { expect, it } from 'vitest';
import type { ObservedContainer } from '../../../src/pod/index.ts';
import type { PodContext } from '../../../src/runtime/pod-context.ts';
import { removeContainers } from '../../../src/runtime/run-actions.ts';

const container = (id: string): ObservedContainer => ({ id, kind: 'container', name: id, attempt: 0, state: 'exited', image: 'i', imageId: 'i', hash: 'h', createdAt: 1, oomKilled: false });

it('containers are not gone before they are seen to be: Docker calls a removal that is under way a success', async () => {
  const there = new Set(['fast', 'slow', 'other']);
  const context = {
    uid: 'u-1',
    node: {
      engine: { remove: async (id: string) => void (id === 'fast' && there.delete(id)) },
      relist: { refresh: async () => true, pod: () => ({ sandboxes: [], containers: [...there].map(container) }) },
    },
  } as unknown as PodContext;
  const wanted = [container('fast'), container('slow')];
  await expect(removeContainers(context, wanted)).rejects.toMatchObject({ code: 'unavailable', message: 'still being removed: slow' });
  there.delete('slow');
  await removeContainers(context, wanted);
});
