// SPDX-License-Identifier: MIT
// A thread block's description of the last translation, against bytes stored by hand.

import { describe, expect, it } from 'vitest';
import { HOST_THREADS, THREAD_STRIDE } from '../../../assembly/layout/host-memory.ts';
import { THREAD_TLB_HITS } from '../../../assembly/layout/thread-memory.ts';
import { createHostMemory, ThreadBlock } from '../../../devices/unit/index.ts';

describe('a thread block', () => {
  const hostMemory = createHostMemory({ ramSize: 0x10000 });
  const at = HOST_THREADS + 3 * THREAD_STRIDE;
  const view = new DataView(hostMemory.buffer, at);
  const block = new ThreadBlock(hostMemory, 3);

  it('has the PA as window and address, and the size of the block', () => {
    view.setBigUint64(0x10, 0x0000_0001_8030_0123n, true);
    view.setUint32(0x18, 21, true);
    expect(block.address).toBe(at);
    expect([block.paWindow, block.paAddress, block.paLog2size]).toEqual([1, 0x8030_0123, 21]);
    expect(block.pa).toBe(0x1_8030_0123n);
    view.setBigUint64(0x10, 0xffff_ffff_ffff_fffen, true);
    expect([block.paWindow, block.paAddress]).toEqual([0xffff_ffff, 0xffff_fffe]);
  });

  it('has the event record, as a copy, and its STAG', () => {
    for (let i = 0; i < 32; i++) view.setUint8(0x20 + i, i);
    view.setUint32(0x28, 0x8000_abcd, true);
    const { event } = block;
    view.setUint32(0x20, 0, true);
    expect([...event]).toEqual([
      0x0302_0100, 0x0706_0504, 0x8000_abcd, 0x0f0e_0d0c, 0x1312_1110, 0x1716_1514, 0x1b1a_1918,
      0x1f1e_1d1c,
    ]);
    expect(block.stag).toBe(0xabcd);
  });

  it('has the counters beyond 32 bits', () => {
    view.setBigInt64(THREAD_TLB_HITS, 0x1_0000_0007n, true);
    expect(block.count(THREAD_TLB_HITS)).toBe(0x1_0000_0007);
    expect(new ThreadBlock(hostMemory, 2).count(THREAD_TLB_HITS)).toBe(0);
  });
});
