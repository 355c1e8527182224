// SPDX-License-Identifier: MIT
// The action of each vCPU after a vCont packet.

import { describe, expect, it } from 'vitest';
import { actionsOf } from '../../../vmm/gdb/gdb-packets.ts';

const [RUN, STEP, STOP] = [{ what: 'run' }, { what: 'step' }, { what: 'stop' }];

describe('the actions of vCont for two vCPUs', () => {
  it.each([
    ['c', [RUN, RUN]],
    ['C05', [RUN, RUN]],
    ['s:2', [STOP, STEP]],
    ['s:1;c', [STEP, RUN]],
    ['t:1;c', [STOP, RUN]],
    ['c:2;t', [STOP, RUN]],
    ['c:-1;t:1', [RUN, RUN]],
    ['r10,20:1', [{ what: 'step', range: { from: 0x10n, to: 0x20n } }, STOP]],
  ])('%s', (text, actions) => {
    expect(actionsOf(text, 2, 0)).toEqual(actions);
  });

  it.each([
    ['an action that there is not', 'x'],
    ['a thread that there is not', 'c:3'],
    ['two threads', 'c:1:2'],
    ['no vCPU that runs', 't'],
    ['a range without an end', 'r10'],
  ])('are invalid with %s', (_what, text) => {
    expect(actionsOf(text, 2, 0)).toBeUndefined();
  });
});
