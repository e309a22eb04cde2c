import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mountsBelow, mountsOf, parseMountInfo } from '../../../src/volumes/mount-table.ts';

it('the mount table is read with and without optional fields', () => {
  const text = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 0:25 / /km/pods/u/v rw - tmpfs tmpfs rw,size=1024k',
    '31 22 0:26 / /with\\040blank\\134back shared:2 master:1 - tmpfs tmpfs rw',
    'nonsense',
    '',
  ].join('\n');
  expect(parseMountInfo(text)).toEqual([
    { mountPoint: '/', type: 'ext4', device: '8:1', root: '/' },
    { mountPoint: '/km/pods/u/v', type: 'tmpfs', device: '0:25', root: '/' },
    { mountPoint: '/with blank\\back', type: 'tmpfs', device: '0:26', root: '/' },
  ]);
});

it('reading it never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseMountInfo(text)));
});

it('mounts below a directory come latest first, and siblings of a like name are none', () => {
  const table = ['/', '/a', '/a/b', '/a/b/c', '/a/bc', '/a/b', '/x'].map((mountPoint) => ({ mountPoint, type: 'tmpfs', device: '0:1', root: '/' }));
  expect(mountsBelow(table, '/a/b')).toEqual(['/a/b', '/a/b/c', '/a/b']);
});

it('other mounts of one directory are found by file system and root', () => {
  const entry = (mountPoint: string, device: string, root: string): { mountPoint: string; type: string; device: string; root: string } => ({ mountPoint, type: 'ext4', device, root });
  const table = [entry('/', '8:1', '/'), entry('/data', '8:2', '/'), entry('/a', '8:2', '/x'), entry('/b', '8:2', '/x/y'), entry('/c', '8:1', '/data/x'), entry('/d', '8:1', '/srv/x')];
  expect(mountsOf(table, '/data/x')).toEqual(['/a']);
  expect(mountsOf(table, '/data/x/y')).toEqual(['/b']);
  expect(mountsOf(table, '/a/y')).toEqual(['/b']);
  expect(mountsOf(table, '/srv/x')).toEqual(['/d']);
  expect(mountsOf(table, '/srv/other')).toEqual([]);
  expect(mountsOf(table, '/data')).toEqual([]);
});
