import { afterEach, expect, test, vi } from 'vitest';
import { Garbage } from '../../../../src/server/stream/garbage.ts';

const MEBIBYTE = 1024 * 1024;

afterEach(() => void vi.unstubAllGlobals());

test('young buffers are freed once in two mebibytes, whatever the size of the pieces', () => {
  const gc = vi.fn();
  vi.stubGlobal('gc', gc);
  const garbage = new Garbage();
  for (let i = 0; i < 4 * 64; i++) garbage.add(MEBIBYTE / 64);
  expect(gc.mock.calls).toEqual([[{ type: 'minor' }], [{ type: 'minor' }]]);
});

test('a process that may not free them itself leaves them to V8', () => {
  vi.stubGlobal('gc', undefined);
  expect(() => new Garbage().add(100 * MEBIBYTE)).not.toThrow();
});
