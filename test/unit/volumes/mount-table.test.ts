import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mountsBelow, parseMountInfo } from '../../../src/volumes/mount-table.ts';

it('the mount table is read with and without optional fields', () => {
  const text = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 0:25 / /km/pods/u/v rw - tmpfs tmpfs rw,size=1024k',
    '31 22 0:26 / /with\\040blank\\134back shared:2 master:1 - tmpfs tmpfs rw',
    'nonsense',
    '',
  ].join('\n');
  expect(parseMountInfo(text)).toEqual([
    { mountPoint: '/', type: 'ext4' },
    { mountPoint: '/km/pods/u/v', type: 'tmpfs' },
    { mountPoint: '/with blank\\back', type: 'tmpfs' },
  ]);
});

it('reading it never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseMountInfo(text)));
});

it('mounts below a directory come latest first, and siblings of a like name are none', () => {
  const table = ['/', '/a', '/a/b', '/a/b/c', '/a/bc', '/a/b', '/x'].map((mountPoint) => ({ mountPoint, type: 'tmpfs' }));
  expect(mountsBelow(table, '/a/b')).toEqual(['/a/b', '/a/b/c', '/a/b']);
});
