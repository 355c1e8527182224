// SPDX-License-Identifier: MIT
// The path of the invalidations, of which --overlay and --no-direct-maps permit one.

import { describe, expect, it } from 'vitest';
import { withPath } from '../../cli/invalidation-path.ts';

const kernel = { guest: 'Image', arch: 'arm64' } as const;
const toy = { guest: 'toy' };

describe('the path of a run', () => {
  it.each([
    [kernel, 'direct'],
    [kernel, 'trapped'],
    [toy, 'trapped'],
    [toy, 'all'],
  ] as const)('of %j with --overlay is not %s', (guest, path) => {
    expect(() => withPath({ ...guest, overlay: true, path })).toThrow(
      `--overlay permits only the overlay path, not --path ${path}`,
    );
  });

  it.each(['direct', 'overlay'] as const)(
    'of %s without direct maps is refused for a kernel',
    (path) => {
      expect(() => withPath({ ...kernel, directMaps: false, path })).toThrow(
        `--no-direct-maps permits only the trapped path, not --path ${path}`,
      );
    },
  );

  it.each([kernel, toy])('of %j with --overlay is the overlay path', (guest) => {
    expect(withPath({ ...guest, overlay: true }).path).toBe('overlay');
    expect(withPath({ ...guest, overlay: true, path: 'overlay' }).path).toBe('overlay');
  });

  it('of the toy is the one of a driver that looks for a CMDQV in vain', () => {
    expect(withPath({ ...toy, overlay: true, path: 'direct' }).path).toBe('direct');
  });
});
