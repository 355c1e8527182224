// SPDX-License-Identifier: MIT
// Regions against the interpreter: the same sequences, with registers, flags, memory and
// instruction counts compared.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { A64_FORMS } from '../../assembly/layout/a64/a64-forms.ts';
import {
  ARM64_COUNT,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_NZCV,
  ARM64_PAN,
  ARM64_PC,
  ARM64_SP,
  ARM64_SPSEL,
  ARM64_X,
} from '../../assembly/layout/arm64-state.ts';
import { steps } from '../support/thorough.ts';
import {
  type Arm64Machine,
  FLAT_EL1,
  loadSequence,
  mapFlat,
  outcomeOf,
  runSequence,
  sequenceMachine,
  write,
} from './el0-machine.ts';
import { BASE, codeMachine, enterCode, randomEntry, resetForCode } from './random-code.ts';
import { CODE, Random, type Sequence, sequence } from './sequences.ts';

const LENGTH = 16;
/** The digest of the differential test, with which the oracle agrees. */
const DIGEST = 'd2a9b64e1678bd1174bdb04934e4f6b40c4e08b31ff20e2af0788c79dbcf5679';
const NOP = 0xd503201f;
/** Register that no sequence writes. */
const COUNTER = 29;
/** Register with the address after a sequence. */
const END = 26;

/** A machine whose pages of code have been executed. */
function warmMachine(): Arm64Machine {
  const machine = sequenceMachine();
  const registers = Array.from({ length: 32 }, () => 0n);
  for (const offset of [0, 0x1000])
    runSequence(machine, { offset, words: [NOP], registers, nzcv: 0 });
  return machine;
}

/** The sequence, repeated. */
function looped({ offset, words, registers, nzcv }: Sequence, turns: number): Sequence {
  const length = words.length + 1;
  return {
    offset,
    words: [
      (0xd2800000 | (turns << 5) | COUNTER) >>> 0,
      ...words,
      (0xd1000400 | (COUNTER << 5) | COUNTER) >>> 0,
      (0xb5000000 | ((-length & 0x7ffff) << 5) | COUNTER) >>> 0,
    ],
    registers: registers.map((value, i) => (i === END ? value + 4n : value)),
    nzcv,
  };
}

const CODE_SIZE = 0x4000;

/** Loads the same random words into both machines, with the PC at the same one. */
function loadRandomCode(machines: readonly Arm64Machine[], random: Random): void {
  const words = Array.from({ length: CODE_SIZE / 4 }, () => {
    const form = random.pick(A64_FORMS);
    const word = random.word();
    return random.below(8) === 0 ? word : ((word & ~form.mask) | form.value) >>> 0;
  });
  const entry = randomEntry(random, CODE_SIZE);
  for (const machine of machines) {
    resetForCode(machine);
    write(machine, BASE, words);
    machine.exports.invalidateAll(machine.cpu);
    enterCode(machine, entry);
  }
}

/** Registers, PSTATE, count, and all of RAM. */
function stateOf(machine: Arm64Machine) {
  const { bytes, ram, ramSize } = machine;
  return {
    registers: Array.from({ length: 33 }, (_, i) => machine.u64(ARM64_X + 8 * i)),
    pstate: [ARM64_NZCV, ARM64_DAIF, ARM64_EL, ARM64_SPSEL, ARM64_PAN].map((at) => machine.u32(at)),
    count: machine.u64(ARM64_COUNT),
    memory: createHash('sha1')
      .update(bytes.subarray(ram, ram + ramSize))
      .digest('hex'),
  };
}

const text = ({ words }: Sequence) => words.map((word) => word.toString(16)).join(' ');

describe('regions', () => {
  it('do what the oracle has agreed on', () => {
    const random = new Random(1);
    const machine = warmMachine();
    const hash = createHash('sha256');
    for (let i = 0; i < 1500; i++)
      hash.update(runSequence(machine, sequence(random, LENGTH), { translate: true }));
    expect(hash.digest('hex')).toBe(DIGEST);
    expect(machine.regions.count).toBeGreaterThan(1000);
  });

  it('stop at any count of instructions where the interpreter does', () => {
    const random = new Random(7);
    const machines = [warmMachine(), warmMachine()] as const;
    for (const machine of machines) machine.setU64(ARM64_COUNT, 0n);
    const rounds = steps(300, 5000);
    for (let round = 0; round < rounds; round++) {
      const one = looped(sequence(random, LENGTH), 1 + random.below(6));
      for (const machine of machines) loadSequence(machine, one);
      machines[1].translate(CODE + one.offset);
      let exits: number[] = [];
      while (exits[0] !== 7) {
        const due = machines[0].u64(ARM64_COUNT) + BigInt(1 + random.below(60));
        // More than a page's instructions are left, so that the machine runs and does not
        // single-step.
        exits = machines.map(({ exports, cpu }) => exports.runTo(cpu, due + 1100n));
        if (exits[0] === 0) throw new Error('a sequence has not ended');
        const [a, b] = machines.map((machine) => [
          machine.u64(ARM64_COUNT),
          machine.u64(ARM64_PC),
          machine.u64(ARM64_SP),
          machine.u64(ARM64_X),
          ...outcomeOf(machine),
        ]);
        expect(b, text(one)).toEqual(a);
        expect(exits[1]).toBe(exits[0]);
      }
    }
  });

  it('leave a loop at the end of the slice, long before the loop ends', () => {
    const machines = [warmMachine(), warmMachine()] as const;
    const registers = Array.from({ length: 32 }, () => 0n);
    // Three instructions, 65,535 times.
    const loop = looped({ offset: 0, words: [NOP], registers, nzcv: 0 }, 0xffff);
    for (const machine of machines) {
      machine.setU64(ARM64_COUNT, 0n);
      loadSequence(machine, loop);
    }
    machines[1].translate(CODE);
    for (const due of [5000n, 5001n, 9000n]) {
      const exits = machines.map(({ exports, cpu }) => exports.runTo(cpu, due));
      const [a, b] = machines.map((machine) => [
        machine.u64(ARM64_COUNT),
        machine.u64(ARM64_PC),
        machine.u64(ARM64_X + 8 * COUNTER),
      ]);
      expect(b).toEqual(a);
      expect(exits[1]).toBe(exits[0]);
      expect(a?.[0]).toBe(due);
    }
    expect(machines[1].regions.count).toBeGreaterThan(0);
  });

  it('do with random code, at EL0 and EL1, what the interpreter does', () => {
    const random = new Random(3);
    const [plain, translated] = [codeMachine(), codeMachine()];
    const rounds = steps(60, 800);
    for (let round = 0; round < rounds; round++) {
      loadRandomCode([plain, translated], random);
      translated.regions.watch(translated.block);
      for (let turn = 0; turn < 6; turn++) {
        const exits = [plain, translated].map(({ exports, cpu }) =>
          exports.runTo(cpu, 3000n * BigInt(turn + 1)),
        );
        if (!translated.regions.translateHot(translated.block)) translated.reclaim();
        expect(stateOf(translated)).toEqual(stateOf(plain));
        expect(exits[1]).toBe(exits[0]);
        for (const machine of [plain, translated])
          if (exits[0] === 7) machine.setU64(ARM64_PC, machine.u64(ARM64_PC) + 4n);
      }
    }
    expect(translated.regions.count).toBeGreaterThan(50);
  });

  it('see instructions of another page that have been written, after IC', () => {
    const machine = codeMachine();
    machine.exports.reset(machine.cpu);
    mapFlat(machine, FLAT_EL1);
    const called = BASE + 0x1000;
    write(machine, called, [0x91000400, 0xd65f03c0]); // ADD X0, X0, #1; RET
    write(machine, BASE, [
      ...[0xd2800000, 0xd2801901], // MOVZ X0, #0; MOVZ X1, #200
      ...[0x940003fe, 0xd1000421], // BL, to the other page; SUB X1, X1, #1
      ...[0xf101903f, 0x54000081], // CMP X1, #100; B.NE, to CBNZ
      ...[0xb9000043, 0xd50b7522, 0xd5033fdf], // STR W3, [X2]; IC IVAU, X2; ISB
      ...[0xb5ffff21, 0xd4400000], // CBNZ X1, to BL; HLT
    ]);
    machine.setU64(ARM64_X + 16, BigInt(called));
    machine.setU64(ARM64_X + 24, 0x91004000n); // ADD X0, X0, #16
    machine.setU64(ARM64_PC, BigInt(BASE));
    // Enough for both pages to have been executed.
    machine.exports.run(machine.cpu, 8);
    machine.translate(BASE + 8);
    expect(machine.exports.run(machine.cpu, 5000)).toBe(7);
    expect(machine.u64(ARM64_X)).toBe(1700n);
  });
});
