// SPDX-License-Identifier: MIT
// Calls of the guest ABI: a hostile guest's use of its devices, through imports or mapped
// registers with their doorbells, and calls with arbitrary arguments.

import {
  ABI_AT_MAP_COUNT,
  ABI_AT_MAPS,
  ABI_MAP_DOORBELL,
  ABI_MAP_GPA,
  ABI_MAP_LENGTH,
  ABI_MAP_OFFSET,
  ABI_MAP_SIZE,
  ABI_MAX_MAPS,
} from '../../assembly/layout/guest-abi.ts';
import type { Random } from '../../devices/testing/index.ts';
import { MODULE_VSMMU } from '../../vmm/vcpu/wasm/import-types.ts';
import { bringUp, CMDQV, HostileGuest, type Operation, SMMU } from '../hostile/operations.ts';
import { type CallList, functionsOf, type GuestFunction, STORE32 } from './call-guest.ts';

/** All of the ABI. */
export const ABI_FUNCTIONS = functionsOf(MODULE_VSMMU);
const EDGES = [0, 1, 2, 3, 4, 0x84, 0x101, 0xffff, 0x100000, 0x7fffffff, 0x80000000, 0xffffffff];

/** Registers of a VCMDQ, and of the ECMDQ that replaces it. */
const PAGE0 = CMDQV + 0x30000;
const PAGE1 = CMDQV + 0x40000;
const ECMDQ_EN = 0x80000000;

/** The target of a VCMDQ operation in a guest with ECMDQs; others are unchanged. */
function asEcmdq([kind, gpa, value = 0, high = 0]: Operation): Operation {
  const at = gpa - PAGE0;
  const lvcmdq = (at & 0xffff) >> 7;
  if (at < 0 || at >= 0x20000 || lvcmdq > 3) return [kind, gpa, value, high];
  const page = SMMU + 0x20000 + 0x4000 * lvcmdq;
  if (gpa >= PAGE1) return [kind, page + (at & 4), value, high];
  switch (at & 0x7f) {
    case 0x00:
      return [kind, page + 0xc, value, high];
    // PROD, and CONFIG.EN.
    case 0x04:
      return [kind, page + 8, value | ECMDQ_EN, high];
    case 0x08:
      return [kind, page + 8, (value & 1) * ECMDQ_EN, high];
    default:
      return [kind, page + (at & 0xc), value, high];
  }
}

/** A range of registers that is mapped. */
interface Mapped {
  readonly offset: number;
  readonly doorbell: number;
  /** Of the register in the range. */
  readonly at: number;
}

function mapOf(words: Uint32Array, gpa: number): Mapped | undefined {
  const count = Math.min(words[ABI_AT_MAP_COUNT >> 2] ?? 0, ABI_MAX_MAPS);
  for (let i = 0; i < count; i++) {
    const word = (field: number) => words[(ABI_AT_MAPS + ABI_MAP_SIZE * i + field) >> 2] ?? 0;
    const at = gpa - word(ABI_MAP_GPA);
    if (at >= 0 && at < word(ABI_MAP_LENGTH))
      return { offset: word(ABI_MAP_OFFSET) + at, doorbell: word(ABI_MAP_DOORBELL), at };
  }
  return undefined;
}

const u64 = (lo: number, hi: number) => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** The calls of one guest. */
export class AbiCallMaker {
  readonly #calls: CallList;
  readonly #words: Uint32Array;
  readonly #ecmdqs: boolean;
  readonly #random: Random;

  /** @param words of the guest's memory. @param ecmdqs it has these instead of VCMDQs. */
  constructor(calls: CallList, words: Uint32Array, ecmdqs: boolean, random: Random) {
    this.#calls = calls;
    this.#words = words;
    this.#ecmdqs = ecmdqs;
    this.#random = random;
  }

  /** Enables its devices. @param ring address of its CMDQ. */
  bringUp(ring?: number): void {
    for (const operation of bringUp(ring)) this.#translate(operation);
  }

  /**
   * Operations of a hostile guest, one after the other, and calls with arbitrary
   * arguments. @yields after each.
   */
  *attack(operations: number): Generator<void> {
    const hostile = new HostileGuest(this.#random.word());
    for (const operation of hostile.operations(operations)) {
      if (this.#random.below(20) === 0) this.#anyCall();
      else this.#translate(operation);
      yield;
    }
  }

  /** The calls of an operation of a hostile guest. */
  #translate(operation: Operation): void {
    const [calls, words, random] = [this.#calls, this.#words, this.#random];
    const [kind, a, b = 0, c = 0] = this.#ecmdqs ? asEcmdq(operation) : operation;
    // Mostly the store of a driver; a guest may also access a mapped register through an
    // exit.
    const mapped = random.below(8) > 0 ? mapOf(words, a) : undefined;
    switch (kind) {
      case 0:
        calls.add('mmio_read32', a);
        break;
      case 1:
      case 3:
        if (mapped) {
          calls.add('store32', mapped.offset, b);
          if (kind === 3) calls.add('store32', mapped.offset + 4, c);
          calls.add('doorbell', mapped.doorbell, mapped.at);
        } else if (kind === 1) calls.add('mmio_write32', a, b);
        else calls.add('mmio_write64', a, u64(b, c));
        break;
      case 2:
        calls.add('mmio_read64', a);
        break;
      case 4:
        calls.add('store32', a, b);
        break;
      case 5:
        calls.add('doorbell', a, b);
        break;
      case 6: {
        const to = mapOf(words, b);
        if (mapped && to) {
          calls.add('copy32', mapped.offset, to.offset);
          calls.add('doorbell', to.doorbell, to.at);
        } else calls.add('acknowledge', a, b);
        break;
      }
      case 7:
        calls.add('wait', 0);
        break;
      default:
        calls.add('clock_ns');
    }
  }

  /** A call of the ABI with arbitrary arguments. */
  #anyCall(): void {
    const random = this.#random;
    const { name, params }: GuestFunction = random.pick([...ABI_FUNCTIONS, STORE32]);
    const value = () => (random.below(2) === 0 ? random.pick(EDGES) : random.word());
    this.#calls.add(
      name,
      ...params.map((type) => (type === 'i64' ? u64(value(), value()) : value())),
    );
  }
}
