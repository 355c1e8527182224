// SPDX-License-Identifier: MIT
// A vCPU's block as read by JavaScript: its words are those of
// assembly/layout/arm64-state.ts.

import { describe, expect, it } from 'vitest';
import { ARM64_INSIDE, ARM64_PRESENCE } from '../../../../assembly/layout/arm64-state.ts';
import { Arm64Block, storageOffset } from '../../../../vmm/vcpu/arm64/arm64-block.ts';

const AT = 0x4000;

describe('the block of a vCPU', () => {
  it('shows that the vCPU is inside by one bit of one word', () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const [bytes, view] = [new Uint8Array(memory.buffer), new DataView(memory.buffer)];
    const block = new Arm64Block(memory, AT);
    expect(block.isInside).toBe(false);
    view.setUint32(AT + ARM64_PRESENCE, ARM64_INSIDE, true);
    expect(block.isInside).toBe(true);
    // All other bits have the opposite value.
    bytes.fill(0xff);
    view.setUint32(AT + ARM64_PRESENCE, (0xffffffff & ~ARM64_INSIDE) >>> 0, true);
    expect(block.isInside).toBe(false);
  });

  it.each([
    ['there is not', 'TTBR9_EL1'],
    ['has no storage', 'CNTVCT_EL0'],
  ])('has no place for a register that %s', (_, name) => {
    expect(() => storageOffset(name)).toThrow(
      new RangeError(`${name} is no register with storage`),
    );
  });
});
