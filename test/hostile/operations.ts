// SPDX-License-Identifier: MIT
// Structure-aware operations of a hostile guest: most are valid accesses with a few
// fields changed, so that they pass the first check. Deterministic: everything depends on
// one seed.

import {
  CMDQV_VINTF,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
  VINTF_SID_MATCH,
  VINTF_SID_REPLACE,
} from '../../assembly/layout/cmdqv-registers.ts';
import * as commands from '../../assembly/layout/commands.ts';
import {
  DMA_ATS,
  DMA_CTRL,
  DMA_DST,
  DMA_LENGTH,
  DMA_PASID,
  DMA_PATTERN,
  DMA_SRC,
} from '../../assembly/layout/dma-engine-registers.ts';
import * as smmu from '../../assembly/layout/smmu-registers.ts';

export const SMMU = 0x09050000;
export const DMA = 0x09200000;
export const CMDQV = 0x0a000000;
const PAGE0 = CMDQV + 0x30000;
const PAGE1 = CMDQV + 0x40000;
const DIRECT0 = CMDQV + 0x10000;
const DIRECT1 = CMDQV + 0x20000;
/** gpa of memory offset 0, and the guest's structures as memory offsets. */
export const RAM = 0x80000000;
export const CMDQ_RING = 0x190000;
export const VCMDQ_RINGS = [0x191000, 0x192000] as const;
export const EVENTQ_RING = 0x194000;
export const STREAM_TABLE = 0x1a0000;
export const CD = 0x1a8000;
export const TABLES = 0x1b0000;
export const DATA = 0x200000;
export const STREAM = 8;
/** iova of DATA. */
export const IOVA = 0x10000000;
export const MAPPED_PAGES = 32;
const LOG2_ENTRIES = 8;
const ENTRIES = 1 << LOG2_ENTRIES;

export type Operation = readonly [kind: number, a: number, b?: number, c?: number];
const READ32 = 0;
const WRITE32 = 1;
const READ64 = 2;
const WRITE64 = 3;
const STORE = 4;
const DOORBELL = 5;
const ACKNOWLEDGE = 6;
const WAIT = 7;
const CLOCK = 8;

const write = (gpa: number, value: number): Operation => [WRITE32, gpa, value];
const write64 = (gpa: number, lo: number, hi = 0): Operation => [WRITE64, gpa, lo, hi];

/**
 * Bring-up in the order of a driver: SMMU, then CMDQV with both queues.
 * @param commandRing memory offset of the CMDQ; one outside the guest's RAM makes every
 *   fetch an external abort.
 */
export function bringUp(commandRing = CMDQ_RING): Operation[] {
  const operations: Operation[] = [
    write(SMMU + smmu.SMMU_CR0, 0),
    write64(SMMU + smmu.SMMU_STRTAB_BASE, RAM + STREAM_TABLE),
    write(SMMU + smmu.SMMU_STRTAB_BASE_CFG, 8),
    write(SMMU + smmu.SMMU_CR2, 2),
    write64(SMMU + smmu.SMMU_CMDQ_BASE, RAM + commandRing + LOG2_ENTRIES),
    write(SMMU + smmu.SMMU_CMDQ_PROD, 0),
    write(SMMU + smmu.SMMU_CMDQ_CONS, 0),
    [ACKNOWLEDGE, SMMU + smmu.SMMU_GERROR, SMMU + smmu.SMMU_GERRORN],
    write64(SMMU + smmu.SMMU_EVENTQ_BASE, RAM + EVENTQ_RING + LOG2_ENTRIES),
    write(SMMU + smmu.SMMU_EVENTQ_PROD, 0),
    write(SMMU + smmu.SMMU_EVENTQ_CONS, 0),
    write(SMMU + smmu.SMMU_IRQ_CTRL, 5),
    write(SMMU + smmu.SMMU_CR0, 0xd),
    write(CMDQV, 1),
    write(CMDQV + CMDQV_VINTF, 0),
    write(CMDQV + CMDQV_VINTF, 1),
  ];
  for (const [lvcmdq, ring] of VCMDQ_RINGS.entries()) {
    const page0 = PAGE0 + lvcmdq * VCMDQ_STRIDE;
    operations.push(
      write(CMDQV + 0x200 + 4 * lvcmdq, (lvcmdq << 1) | 1),
      write(page0 + VCMDQ_CONFIG, 0),
      write(page0 + VCMDQ_PROD, 0),
      write(page0 + VCMDQ_CONS, 0),
      [ACKNOWLEDGE, page0 + VCMDQ_GERROR, page0 + VCMDQ_GERRORN],
      write64(PAGE1 + lvcmdq * VCMDQ_STRIDE + VCMDQ_BASE, RAM + ring + LOG2_ENTRIES),
      write(page0 + VCMDQ_CONFIG, 1),
    );
  }
  return operations;
}

const OPCODES = Object.entries(commands)
  .filter(([name]) => name.startsWith('OP_'))
  .map(([, opcode]) => opcode);
const EDGES = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000, 0x000fffff, 0x00100000];

export class HostileGuest {
  #state: number;
  readonly #prods = [0, 0, 0];

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32: 32 bits. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  #pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
  #value(): number {
    return this.chance(30)
      ? this.#pick(EDGES)
      : this.chance(50)
        ? this.next()
        : this.below(0x10000);
  }

  /**
   * A command: 80 % have a valid header with the fields of its kind, the rest are random
   * bits.
   */
  #command(): [number, number, number, number] {
    if (!this.chance(80)) return [this.next(), this.next(), this.next(), this.next()];
    const opcode = this.chance(60)
      ? this.#pick([0x11, 0x12, 0x28, 0x2a, 0x40, 0x46, 0x46, 0x46])
      : this.#pick(OPCODES);
    let d0 = opcode;
    if (this.chance(20)) d0 |= (this.below(32) << 12) | (this.below(32) << 20);
    if (opcode === commands.OP_CMD_SYNC && this.chance(80)) d0 = opcode;
    if (this.chance(3)) d0 |= 1 << this.below(32);
    // VMID and ASID, or StreamID: of the guest and of other machines.
    const ids =
      opcode === commands.OP_ATC_INV
        ? this.#pick([STREAM, STREAM, 0x100, 0x200, 0x201, this.below(0x400)])
        : this.below(32) | (this.below(4) << 16);
    const tg = this.chance(30) ? this.below(4) << 10 : 0;
    const address = this.chance(80)
      ? IOVA + this.below(MAPPED_PAGES) * 0x1000
      : this.#value() & 0xfffff000;
    return [d0, ids, (address | tg | this.below(2)) >>> 0, this.chance(90) ? 0 : this.#value()];
  }

  /**
   * Puts one command into a ring and advances PROD: queue 0 and 1 are the VCMDQs, 2 the
   * CMDQ.
   */
  #push(queue: number, operations: Operation[]): void {
    const ring = queue === 2 ? CMDQ_RING : (VCMDQ_RINGS[queue] ?? 0);
    const prod = this.#prods[queue] ?? 0;
    this.#command().forEach((word, i) => {
      operations.push([STORE, ring + (prod % ENTRIES) * 16 + 4 * i, word]);
    });
    let next = (prod + 1) % (2 * ENTRIES);
    if (this.chance(3))
      next = this.#pick([
        prod,
        prod ^ ENTRIES,
        (prod + ENTRIES + 7) % (2 * ENTRIES),
        this.next(),
        prod | 0xfff00000,
      ]);
    this.#prods[queue] = next % (2 * ENTRIES);
    if (this.chance(30)) return;
    const page0 = PAGE0 + queue * VCMDQ_STRIDE;
    operations.push(write(queue === 2 ? SMMU + smmu.SMMU_CMDQ_PROD : page0 + VCMDQ_PROD, next));
    if (this.chance(20)) return;
    // Like a driver's error handler: the host runs first, the bad command is replaced by
    // a CMD_SYNC, the error is acknowledged.
    operations.push([WAIT, 0]);
    for (let i = 0; i < 4; i++)
      operations.push([STORE, ring + ((prod + ENTRIES - i) % ENTRIES) * 16, commands.OP_CMD_SYNC]);
    operations.push(
      queue === 2
        ? [ACKNOWLEDGE, SMMU + smmu.SMMU_GERROR, SMMU + smmu.SMMU_GERRORN]
        : [ACKNOWLEDGE, page0 + VCMDQ_GERROR, page0 + VCMDQ_GERRORN],
    );
  }

  #register(operations: Operation[]): void {
    const lvcmdq = this.below(3) * VCMDQ_STRIDE;
    const gpa = this.#pick([
      SMMU + this.below(0xe0 / 4) * 4,
      SMMU + smmu.SMMU_PAGE1 + this.below(0xe0 / 4) * 4,
      CMDQV + this.below(0x300 / 4) * 4,
      CMDQV + CMDQV_VINTF + this.below(0x100 / 4) * 4,
      CMDQV + CMDQV_VINTF + VINTF_SID_MATCH + this.below(16) * 4,
      CMDQV + CMDQV_VINTF + VINTF_SID_REPLACE + this.below(16) * 4,
      PAGE0 + lvcmdq + this.below(8) * 4,
      PAGE1 + lvcmdq + this.below(4) * 4,
      DIRECT0 + lvcmdq + this.below(8) * 4,
      DIRECT1 + lvcmdq + this.below(4) * 4,
      DMA + this.below(0x40 / 4) * 4,
      CMDQV + this.below(0x50000 / 8) * 8,
      this.next() & ~7,
    ]);
    if (this.chance(40)) operations.push(this.chance(70) ? [READ32, gpa] : [READ64, gpa & ~7]);
    else if (this.chance(70)) operations.push(write(gpa, this.#value()));
    else operations.push(write64(gpa & ~7, this.#value(), this.chance(70) ? 0 : this.#value()));
  }

  #dma(operations: Operation[]): void {
    const address = () =>
      this.chance(85) ? IOVA + this.below(MAPPED_PAGES * 0x1000) : this.#value();
    operations.push(
      write(DMA + DMA_LENGTH, this.chance(95) ? 4 + 4 * this.below(64) : this.#value()),
    );
    operations.push(
      write64(DMA + DMA_SRC, address(), this.chance(95) ? 0 : this.#value()),
      write64(DMA + DMA_DST, address()),
    );
    if (this.chance(10)) operations.push(write(DMA + DMA_ATS, this.#pick([0, 1, 5])));
    if (this.chance(10))
      operations.push(write(DMA + DMA_PASID, this.#pick([0, 0, 0, 0, 0x8000_0000, this.next()])));
    operations.push(
      write(DMA + DMA_PATTERN, this.next()),
      write(DMA + DMA_CTRL, 1 + this.below(4)),
    );
  }

  #table(operations: Operation[]): void {
    if (this.chance(60)) {
      // A leaf (in the fourth table): valid more often than not, with one wrong attribute
      // or address bit; used after its invalidation.
      const page = this.below(MAPPED_PAGES);
      const leaf = TABLES + 3 * 0x1000 + page * 8;
      const low = (RAM + DATA + page * 0x1000) | this.#pick([0xf47, 0xb47, 0xfc7, 0xf07, 0xf45, 0]);
      operations.push(
        [STORE, leaf, low],
        [STORE, leaf + 4, this.chance(70) ? 0 : 1 << this.below(32)],
      );
      operations.push(
        [WRITE32, DMA + DMA_LENGTH, 4],
        write64(DMA + DMA_SRC, IOVA + page * 0x1000),
        write64(DMA + DMA_DST, IOVA + page * 0x1000),
      );
      operations.push(write(DMA + DMA_CTRL, 1 + this.below(2)));
      return;
    }
    const at = this.#pick([
      STREAM_TABLE + STREAM * 64 + this.below(16) * 4,
      CD + this.below(16) * 4,
      TABLES + this.below(0x3000 / 4) * 4,
    ]);
    operations.push([STORE, at, this.chance(50) ? 1 << this.below(32) : this.#value()]);
    if (this.chance(50)) operations.push(...this.#reconfigure());
  }

  /** CFGI_STE of the guest's stream on the CMDQ, so that a changed table is read. */
  #reconfigure(): Operation[] {
    const prod = this.#prods[2] ?? 0;
    const slot = CMDQ_RING + (prod % ENTRIES) * 16;
    this.#prods[2] = (prod + 1) % (2 * ENTRIES);
    return [
      [STORE, slot, commands.OP_CFGI_STE],
      [STORE, slot + 4, STREAM],
      [STORE, slot + 8, 1],
      write(SMMU + smmu.SMMU_CMDQ_PROD, this.#prods[2] ?? 0),
    ];
  }

  /** About `count` operations. */
  operations(count: number): Operation[] {
    const operations: Operation[] = [];
    while (operations.length < count) {
      const what = this.below(100);
      if (what < 45) this.#push(this.below(2), operations);
      else if (what < 58) this.#push(2, operations);
      else if (what < 74) this.#register(operations);
      else if (what < 82) this.#dma(operations);
      else if (what < 89) this.#table(operations);
      else if (what < 93) {
        // Read-only words of page 0, and CONFIG.
        const register = this.#pick([
          VCMDQ_CONS,
          VCMDQ_STATUS,
          VCMDQ_GERROR,
          VCMDQ_GERRORN,
          VCMDQ_CONFIG,
        ]);
        operations.push(write(PAGE0 + this.below(2) * VCMDQ_STRIDE + register, this.#value()));
      } else if (what < 95)
        operations.push([
          DOORBELL,
          this.#pick([0, 1, 2, 0x101, this.next()]),
          this.#pick([4, 0x84, this.next()]),
        ]);
      else if (what < 96) operations.push([WAIT, 0]);
      else if (what < 97) operations.push([CLOCK, 0]);
      else if (what < 98) {
        // The info page, except the map table, which would only make the guest's own code
        // trap.
        operations.push([
          STORE,
          this.chance(50) ? this.below(0x3fc / 4) * 4 : 0x600 + this.below(0x200 / 4) * 4,
          this.#value(),
        ]);
      } else if (what < 99)
        operations.push(
          write64(
            PAGE1 + this.below(2) * VCMDQ_STRIDE + VCMDQ_BASE,
            (RAM + this.#value()) >>> 0,
            this.below(2),
          ),
        );
      else
        operations.push(
          write(PAGE0 + VCMDQ_CONFIG, 0),
          write64(PAGE1 + VCMDQ_BASE, 0),
          write(PAGE0 + VCMDQ_CONFIG, 1),
        );
    }
    return operations;
  }

  /** The guest's copies of its producer indexes after a bring-up. */
  reset(): void {
    this.#prods.fill(0);
  }
}
