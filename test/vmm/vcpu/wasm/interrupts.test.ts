// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { ABI_AT_IRQ_EDGE, ABI_AT_IRQ_LEVEL } from '../../../../assembly/layout/guest-abi.ts';
import { AbiInterrupts } from '../../../../vmm/vcpu/wasm/index.ts';

function lines() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Uint32Array(memory.buffer);
  return {
    lines: new AbiInterrupts(memory),
    words,
    edge: ABI_AT_IRQ_EDGE / 4,
    level: ABI_AT_IRQ_LEVEL / 4,
  };
}

describe('interrupt lines', () => {
  it('keep an edge until the guest clears it', () => {
    const { lines: interrupts, words, edge } = lines();
    interrupts.line(5).pulse();
    interrupts.line(5).pulse();
    interrupts.line(127).pulse();
    expect([...words.subarray(edge, edge + 4)]).toEqual([1 << 5, 0, 0, 0x80000000]);
    words[edge] = 0;
    interrupts.rewriteLevels();
    expect(words[edge]).toBe(0);
    interrupts.line(5).pulse();
    expect(words[edge]).toBe(1 << 5);
  });

  it('keep a level regardless of the guest’s writes', () => {
    const { lines: interrupts, words, level } = lines();
    interrupts.line(33).setLevel(true);
    interrupts.line(34).setLevel(true);
    words[level + 1] = 0;
    words[level] = 0xffffffff;
    interrupts.rewriteLevels();
    expect([...words.subarray(level, level + 4)]).toEqual([0, 6, 0, 0]);
    interrupts.line(33).setLevel(false);
    expect(words[level + 1]).toBe(4);
    interrupts.reset();
    expect(words[level + 1]).toBe(0);
  });

  it('are 128', () => {
    const { lines: interrupts } = lines();
    for (const index of [-1, 128, 1.5]) expect(() => interrupts.line(index)).toThrow(RangeError);
  });
});
