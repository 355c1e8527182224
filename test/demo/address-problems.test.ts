// SPDX-License-Identifier: MIT
// A line for each part of an address that the page does not support.

import { expect, it } from 'vitest';
import { addressProblems } from '../../demo/link/address-problems.ts';
import { endedBefore } from '../../demo/page/notices.ts';
import type { Picture } from '../../demo/protocol.ts';

const HOST = 'http://page.test/';

it.each([
  ['?embed=1', []],
  ['?guest=toy', []],
  ['?guest=guest.wasm#here', []],
  ['#guest=a,AAAA', []],
  ['?from=mail&constructor=1#here', []],
  ['?embed=2', ['embed=2: must be 1; ignored.']],
  ['?embed=', ['embed=: must be 1; ignored.']],
  ['?embed=1&embed=0', ['embed=0: there is one already; ignored.']],
  ['?guest=', ['guest=: must be a URL; ignored.']],
  ['?guest=a.wasm&guest=b.wasm', ['guest=b.wasm: there is one already; ignored.']],
  ['?guest=a.wasm#guest=b,AAAA', ['#guest=b,AAAA: there is guest=a.wasm already; ignored.']],
  [
    '?embed=yes&vms=9&step=x',
    [expect.stringContaining('vms=9'), expect.any(String), 'embed=yes: must be 1; ignored.'],
  ],
])('%s', (address, lines) => {
  expect(addressProblems(new URL(address, HOST))).toEqual(lines);
});

it.each([
  ['ended', 9, 20, ['step=20: the machines have ended at step 9.']],
  ['ended', 9, 9, []],
  ['paused', 9, 20, []],
] as const)('machines that are %s at step %i, of step %i', (state, steps, asked, lines) => {
  expect(endedBefore(asked, { state, steps } as Picture)).toEqual(lines);
});
