import { describe, expect, it } from 'vitest';
import { leftoversIn } from '../../../scripts/conformance/leftovers.ts';

describe('what specs of host paths have left', () => {
  it('is what bears the name of a namespace that is gone', () => {
    expect(leftoversIn(['provisioning-4711', 'provisioning-4712', 'host-path-type-char-dev-1', 'host-path-type-file-9999'], new Set(['provisioning-4712']))).toEqual([
      'provisioning-4711',
      'host-path-type-char-dev-1',
      'host-path-type-file-9999',
    ]);
  });

  it.each(['provisioning', 'provisioning-a', 'provisioning-12345', 'my-provisioning-1', 'provisioning-1.tar', 'host-path-type-1', 'km-conformance-1', 'default'])('is not %s', (name) => {
    expect(leftoversIn([name], new Set())).toEqual([]);
  });
});
