// Random words as code, at EL1 with the MMU on: nothing traps the WebAssembly, nothing
// throws, and no byte outside of RAM, the record pool and the vCPU's block changes.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { A64_FORMS } from '../../assembly/layout/a64/a64-forms.ts';
import {
  ARM64_COUNT,
  ARM64_EL,
  ARM64_PC,
  ARM64_SPSEL,
  ARM64_X,
  BANK_VBAR,
} from '../../assembly/layout/arm64-state.ts';
import { steps } from '../support/thorough.ts';
import { Arm64Machine, FLAT_EL0, FLAT_EL1, mapFlat } from './el0-machine.ts';
import { Random } from './sequences.ts';

const BASE = 0x2000_0000;
const CODE_SIZE = 0x8000;
const VECTORS = BASE + 0x1_0000;
/**
 * An exception goes on behind its instruction: MRS X30, ELR_EL1; ADD X30, X30, #4; MSR
 * ELR_EL1, X30; ERET.
 */
const SKIP = [0xd538403e, 0x910013de, 0xd518403e, 0xd69f03e0];
const SLICE = 2000;

/** Half of the words are of some form. */
function randomWord(random: Random): number {
  const form = random.pick(A64_FORMS);
  const word = random.word();
  return random.below(2) === 0 ? word : ((word & ~form.mask) | form.value) >>> 0;
}

describe('random code', () => {
  it('stays inside', () => {
    const random = new Random(11);
    const machine = new Arm64Machine({ ramGpa: BASE, guard: 0x1_0000 });
    const { exports, cpu } = machine;
    const outside = () => {
      const { start, end } = machine.outside();
      return createHash('sha256')
        .update(machine.bytes.subarray(0, start))
        .update(machine.bytes.subarray(end))
        .digest('hex');
    };
    machine.bytes.fill(0xa5, machine.outside().end);
    const before = outside();
    const exits = new Set<number>();
    let executed = 0n;
    const rounds = steps(300, 5000);
    for (let round = 0; round < rounds; round++) {
      exports.reset(cpu);
      mapFlat(machine, FLAT_EL1);
      // The second GiB is the first once more, for EL0.
      machine.view.setBigUint64(
        machine.at(BASE + machine.ramSize - 0x1000 + 8),
        BigInt(FLAT_EL0),
        true,
      );
      for (let at = 0; at < CODE_SIZE; at += 4)
        if (round % 4 === 0 || random.below(8) === 0)
          machine.view.setUint32(machine.at(BASE + at), randomWord(random), true);
      exports.invalidateAll(cpu);
      for (let vector = 0; vector < 16; vector++)
        SKIP.forEach((word, i) => {
          machine.view.setUint32(machine.at(VECTORS + 0x80 * vector + 4 * i), word, true);
        });
      machine.setEl1(BANK_VBAR, BigInt(VECTORS));
      const el = random.below(2);
      const va = el === 0 ? BASE + 0x4000_0000 : BASE;
      for (let i = 0; i < 31; i++)
        machine.setU64(ARM64_X + 8 * i, BigInt(va + random.below(0x20_0000)));
      machine.setU64(ARM64_PC, BigInt(va + 4 * random.below(CODE_SIZE / 4)));
      machine.setU32(ARM64_EL, el);
      machine.setU32(ARM64_SPSEL, el);
      for (let i = 0; i < 4; i++) {
        const exit = exports.run(cpu, SLICE);
        exits.add(exit);
        // HLT: what comes behind it.
        if (exit === 7) machine.setU64(ARM64_PC, machine.u64(ARM64_PC) + 4n);
      }
      executed += machine.u64(ARM64_COUNT);
    }
    expect(outside()).toBe(before);
    expect(executed).toBeGreaterThan(BigInt(rounds * SLICE));
    expect(exits.size).toBeGreaterThan(3);
  });
});
