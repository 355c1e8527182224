// SPDX-License-Identifier: MIT
// Registers as data: which saved states are valid.

import { describe, expect, it } from 'vitest';
import { RegisterFile } from '../../../devices/plugin/index.ts';

const file = () => new RegisterFile(0x10, [{ name: 'A', offset: 0, writable: 0xffffffff }]);

describe('the state of a register file', () => {
  it('is what it has saved', () => {
    const [saved, restored] = [file(), file()];
    saved.writeWord(0, 0xffffffff);
    restored.restore(JSON.parse(JSON.stringify(saved.save())));
    expect(restored.get(0)).toBe(0xffffffff);
  });

  it.each([
    ['a word below 0', [-1]],
    ['one of more than 32 bits', [2 ** 32]],
    ['a fraction', [0.5]],
    ['text', ['1']],
    ['a word too many', [1, 2]],
    ['none', []],
  ])('refuses %s, and leaves the registers alone', (_, words) => {
    const registers = file();
    registers.writeWord(0, 7);
    expect(() => registers.restore({ words })).toThrow(TypeError);
    expect(registers.get(0)).toBe(7);
  });
});
