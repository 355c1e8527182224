// SPDX-License-Identifier: MIT
// Regions whose calls and returns go through registers: they are translated again with
// the targets of these branches, and still behave exactly like the interpreter.

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  ARM64_COUNT,
  ARM64_NZCV,
  ARM64_PC,
  ARM64_SP,
  ARM64_X,
} from '../../assembly/layout/arm64-state.ts';
import { assembleProgram } from '../../vmm/vcpu/arm64/a64-program.ts';
import { steps } from '../support/thorough.ts';
import { type Arm64Machine, FLAT_EL1, mapFlat } from './el0-machine.ts';
import { BASE, codeMachine } from './random-code.ts';
import { Random } from './sequences.ts';

const FUNCTIONS = 24;
/** Each function has a slot of this size, in one of three pages. */
const PLACE = 0x200;
const TABLE = BASE + 0x8000;
const STACK = BASE + 0x10000;
const SLICE = 3000n;
/** Result of `run` when the vCPU has executed HLT. */
const HALTED = 7;

/** Instructions of a function before its call: a few on X0 to X3. */
function body(random: Random): string {
  const [a, b, c] = [random.below(4), random.below(4), random.below(4)];
  return random.pick([
    `add x${a}, x${b}, x${c}`,
    `eor x${a}, x${b}, x${c}`,
    `madd x${a}, x${b}, x${c}, x0`,
    `subs x${a}, x${b}, x${c}\n csinc x${b}, x${c}, x0, hi`,
    `str x${a}, [x20, #${8 * (128 + random.below(64))}]`,
    `ldr x${a}, [x20, #${8 * (128 + random.below(64))}]`,
  ]);
}

/**
 * A function that saves its return address, works and, while the depth in X22 is not 0,
 * calls one of the table's functions: by X0, or one that is known statically. It returns
 * by RET or by BR.
 */
function functionOf(number: number, random: Random): string {
  const known = random.below(FUNCTIONS);
  const link = random.pick(['ret', 'ret', 'br x30', 'mov x12, x30\n ret x12']);
  const call = random.pick([
    'blr x10',
    'blr x10\n ldr x10, [x20, #8]\n blr x10',
    'mov x30, x10\n blr x30',
    `bl f${known}`,
  ]);
  return `
  f${number}: stp x29, x30, [sp, #-16]!
   ${Array.from({ length: 1 + random.below(6) }, () => body(random)).join('\n ')}
   cbz x22, done${number}
   sub x22, x22, #1
   and x9, x0, #${random.pick([1, 3, 7])}
   ldr x10, [x20, x9, lsl #3]
   ${call}
  done${number}: ldp x29, x30, [sp], #16
   ${link}
   .balign ${PLACE}`;
}

const program = (random: Random) => `
  main: ldr x10, [x20, x21, lsl #3]
   movz x22, #${1 + random.below(12)}
   blr x10
   ${random.pick(['', 'nop', 'add x0, x0, x23'])}
   sub x23, x23, #1
   and x21, x23, #${random.pick([1, 3, 7])}
   cbnz x23, main
   hlt #0
   .balign ${PLACE}
  ${Array.from({ length: FUNCTIONS }, (_, number) => functionOf(number, random)).join('\n')}`;

function load(machine: Arm64Machine, code: Uint8Array, seed: number): void {
  const random = new Random(seed);
  machine.exports.reset(machine.cpu);
  mapFlat(machine, FLAT_EL1);
  machine.bytes.set(code, machine.at(BASE));
  machine.exports.invalidateAll(machine.cpu);
  for (let i = 0; i < 8; i++) {
    const to = BASE + PLACE * (1 + random.below(FUNCTIONS));
    machine.view.setBigUint64(machine.at(TABLE + 8 * i), BigInt(to), true);
  }
  for (let i = 0; i < 4; i++) machine.setU64(ARM64_X + 8 * i, BigInt(random.word()));
  machine.setU64(ARM64_X + 8 * 20, BigInt(TABLE));
  machine.setU64(ARM64_X + 8 * 21, 0n);
  machine.setU64(ARM64_X + 8 * 23, 400n);
  machine.setU64(ARM64_SP, BigInt(STACK));
  machine.setU64(ARM64_PC, BigInt(BASE));
  machine.setU64(ARM64_COUNT, 0n);
}

/** Registers, and the memory that the functions store to: from the table to the stack. */
function stateOf(machine: Arm64Machine) {
  return {
    registers: Array.from({ length: 33 }, (_, i) => machine.u64(ARM64_X + 8 * i)),
    flags: machine.u32(ARM64_NZCV),
    count: machine.u64(ARM64_COUNT),
    memory: createHash('sha1')
      .update(machine.bytes.subarray(machine.at(TABLE), machine.at(STACK)))
      .digest('hex'),
  };
}

it('calls and returns through registers end as in the interpreter, at every slice', () => {
  const random = new Random(11);
  const [plain, translated] = [codeMachine(), codeMachine()];
  translated.regions.watch(translated.block);
  const rounds = steps(20, 300);
  for (let round = 0; round < rounds; round++) {
    const code = assembleProgram(program(random), BASE);
    for (const machine of [plain, translated]) load(machine, code, round);
    translated.regions.watch(translated.block);
    let exits: number[] = [];
    for (let turn = 1n; exits[0] !== HALTED; turn++) {
      exits = [plain, translated].map(({ exports, cpu }) => exports.runTo(cpu, SLICE * turn));
      if (!translated.regions.translateHot(translated.block)) translated.reclaim();
      expect(stateOf(translated)).toEqual(stateOf(plain));
      expect(exits[1]).toBe(exits[0]);
    }
  }
  expect(translated.regions.count).toBeGreaterThan(100);
});

it('a region is made anew once its calls and returns have shown where they lead', () => {
  const machine = codeMachine();
  const source = `
    main: blr x10
     sub x23, x23, #1
     cbnz x23, main
     hlt #0
     .balign 0x1000
    called: add x0, x0, #1
     ret`;
  load(machine, assembleProgram(source, BASE), 1);
  machine.regions.watch(machine.block);
  machine.setU64(ARM64_X, 0n);
  machine.setU64(ARM64_X + 8 * 10, BigInt(BASE + 0x1000));
  machine.setU64(ARM64_X + 8 * 23, 20_000n);
  const counts: number[] = [];
  for (let turn = 1n; turn <= 20n; turn++) {
    machine.exports.runTo(machine.cpu, SLICE * turn);
    machine.regions.translateHot(machine.block);
    counts.push(machine.regions.count);
  }
  // The loop and the function, without and with their call and return targets.
  expect([Math.max(...counts.slice(0, 2)) > 0, counts.at(-1)]).toEqual([true, counts[10]]);
  expect(counts.at(-1)).toBeGreaterThan(2);
  expect(machine.exports.runTo(machine.cpu, 200_000n)).toBe(HALTED);
  expect(machine.u64(ARM64_X)).toBe(20_000n);
});
