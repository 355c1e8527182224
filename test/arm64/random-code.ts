// SPDX-License-Identifier: MIT
// Random words as code, at EL1 and EL0 with the MMU on.

import { A64_FORMS, type A64Form } from '../../assembly/layout/a64/a64-forms.ts';
import { ARM64_REGISTER_TABLE } from '../../assembly/layout/a64/arm64-registers.ts';
import {
  ARM64_COUNT,
  ARM64_EL,
  ARM64_PC,
  ARM64_SPSEL,
  ARM64_X,
  BANK_VBAR,
} from '../../assembly/layout/arm64-state.ts';
import { Arm64Machine, FLAT_EL1, mapAgain, mapFlat, write } from './el0-machine.ts';
import { Random } from './sequences.ts';

/** Offset of the code from the start of RAM. */
export const BASE = 0x2000_0000;
const RAM_SIZE = 0x20_0000;
const CODE_SIZE = 0x8000;
const VECTORS = BASE + 0x1_0000;
/** The second GiB of addresses maps the first again, for EL0. */
const EL0 = 0x4000_0000;
const GUARD = 0x1_0000;
/**
 * An exception returns to the next instruction: MRS X30, ELR_EL1; ADD X30, X30, #4; MSR
 * ELR_EL1, X30; ERET.
 */
const SKIP = [0xd538403e, 0x910013de, 0xd518403e, 0xd69f03e0];
const ENTRIES = 40;
const SLICE = 2500;
const HLT = 7;

const formNamed = (name: string) => A64_FORMS.find((form) => form.name === name) as A64Form;
const MOVES = [formNamed('MSR'), formNamed('MRS')];
const SYSTEM = ['SYS', 'MSR_DAIFSet', 'MSR_DAIFClr', 'MSR_SPSel', 'MSR_PAN', 'ERET', 'SVC', 'HLT'];
const SYSTEM_FORMS = SYSTEM.map(formNamed);
/** DC, IC, AT: CRn 7. TLBI: 8. */
const MAINTENANCE = [7, 8];

/**
 * One third are arbitrary words, one third have some form, and the others are system
 * instructions.
 */
function randomWord(random: Random): number {
  const word = random.word();
  const of = (form: A64Form, fixed = 0, value = 0) =>
    ((((word & ~form.mask) | form.value) & ~fixed) | value) >>> 0;
  switch (random.below(6)) {
    case 0:
    case 1:
      return word;
    case 2:
    case 3:
      return of(random.pick(A64_FORMS));
    case 4:
      return of(random.pick(MOVES), 0x1fffe0, random.pick(ARM64_REGISTER_TABLE).encoding << 5);
    default: {
      const form = random.pick(SYSTEM_FORMS);
      return form.name === 'SYS' ? of(form, 0xf000, random.pick(MAINTENANCE) << 12) : of(form);
    }
  }
}

/**
 * A vCPU after reset, with the MMU on. Its vectors continue after the instruction that
 * took an exception; records are kept.
 */
export function resetForCode(machine: Arm64Machine): void {
  machine.exports.reset(machine.cpu);
  mapFlat(machine, FLAT_EL1);
  mapAgain(machine);
  for (let vector = 0; vector < 16; vector++) write(machine, VECTORS + 0x80 * vector, SKIP);
  machine.setEl1(BANK_VBAR, BigInt(VECTORS));
}

/** The entry address of code, and its registers, which are addresses in RAM. */
export interface CodeEntry {
  readonly el: number;
  readonly pc: bigint;
  readonly registers: readonly bigint[];
}

/** A number of bytes of code, at EL1 or EL0. */
export function randomEntry(random: Random, codeSize: number): CodeEntry {
  const el = random.below(2);
  const va = el === 0 ? BASE + EL0 : BASE;
  const registers = Array.from({ length: 31 }, () => BigInt(va + random.below(RAM_SIZE)));
  return { el, registers, pc: BigInt(va + 4 * random.below(codeSize / 4)) };
}

/** Sets the vCPU to the entry. */
export function enterCode(machine: Arm64Machine, { el, pc, registers }: CodeEntry): void {
  registers.forEach((value, i) => {
    machine.setU64(ARM64_X + 8 * i, value);
  });
  machine.setU64(ARM64_PC, pc);
  machine.setU32(ARM64_EL, el);
  machine.setU32(ARM64_SPSEL, el);
}

/** A machine of random code. */
export const codeMachine = (sizes: { readonly poolSize?: number; readonly guard?: number } = {}) =>
  new Arm64Machine({ ...sizes, ramGpa: BASE, ramSize: RAM_SIZE });

/** A machine that executes random code, in a memory with a guard area after RAM. */
export class RandomCode {
  readonly #machine = codeMachine({ poolSize: 0x50_0000, guard: GUARD });
  /** Values that `run` has returned so far: ARM64_EXIT_*. */
  readonly exits = new Set<number>();
  readonly #before: Uint8Array;

  constructor() {
    const { bytes } = this.#machine;
    bytes.fill(0xa5, this.#machine.outside().end);
    this.#before = this.#outside();
  }

  /** Memory other than RAM, the record pool and the vCPU's block. */
  #outside(): Uint8Array {
    const { bytes } = this.#machine;
    const { start, end } = this.#machine.outside();
    return Uint8Array.from([...bytes.subarray(0, start), ...bytes.subarray(end)]);
  }

  /** Offset of the first byte outside that has changed; undefined when there is none. */
  changedOutside(): number | undefined {
    const { bytes } = this.#machine;
    const { start, end } = this.#machine.outside();
    const before = this.#before;
    for (let at = 0; at < start; at++) if (bytes[at] !== before[at]) return at;
    for (let at = end; at < bytes.length; at++)
      if (bytes[at] !== before[start + at - end]) return at;
    return undefined;
  }

  /**
   * New code in all pages or in some words, everything else after reset. Returns the
   * number of instructions executed.
   */
  run(seed: number): number {
    const random = new Random(seed);
    let executed = 0;
    for (let entry = 0; entry < ENTRIES; entry++) {
      this.#reset(random, entry % 4 === 0);
      executed += this.#enter(random);
    }
    return executed;
  }

  #reset(random: Random, renews: boolean): void {
    const machine = this.#machine;
    const { exports, cpu, view } = machine;
    resetForCode(machine);
    for (let at = 0; at < CODE_SIZE; at += 4)
      if (renews || random.below(8) === 0)
        view.setUint32(machine.at(BASE + at), randomWord(random), true);
    exports.invalidateAll(cpu);
  }

  #enter(random: Random): number {
    const machine = this.#machine;
    const { exports, cpu } = machine;
    enterCode(machine, randomEntry(random, CODE_SIZE));
    for (let left = SLICE; left > 0; left = SLICE - Number(machine.u64(ARM64_COUNT))) {
      const exit = exports.run(cpu, left);
      this.exits.add(exit);
      // The next instruction.
      if (exit === HLT) machine.setU64(ARM64_PC, machine.u64(ARM64_PC) + 4n);
    }
    return Number(machine.u64(ARM64_COUNT));
  }
}
