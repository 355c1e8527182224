// SPDX-License-Identifier: MIT
// GICv3: distributor and redistributors as a device, and the inputs of the SPI lines. The
// state of interrupts is in shared memory, and its code in assembly/gicv3, which a CPU
// core executes too.

import {
  GIC_AT_CTLR,
  GIC_AT_WORK,
  GIC_CPU_AP0R,
  GIC_CPU_AP1R,
  GIC_CPU_BPR0,
  GIC_CPU_BPR1,
  GIC_CPU_CTLR,
  GIC_CPU_IGRPEN0,
  GIC_CPU_IGRPEN1,
  GIC_CPU_LPIS_ENABLED,
  GIC_CPU_PENDBASER,
  GIC_CPU_PMR,
  GIC_CPU_PRIVATE,
  GIC_CPU_PROPBASER,
  GIC_CPU_SIZE,
  GIC_CPU_WAKER,
  GIC_CPUS,
  GIC_INT_ACTIVE,
  GIC_INT_ENABLED,
  GIC_INT_FORWARDED,
  GIC_INT_PRIORITY,
  GIC_INT_PRIORITY_SHIFT,
  GIC_INT_TARGET,
  GIC_INT_TARGET_SHIFT,
  GIC_LPI_CPU_SIZE,
  GIC_LPI_WORDS_SIZE,
  GIC_LPIS,
  GIC_MAX_INTIDS,
  GIC_MAX_VCPUS,
  GIC_PRIVATE_INTIDS,
  GIC_ROUTES,
  GIC_SPIS,
} from '../../assembly/layout/gic-memory.ts';
import {
  GICD_CTLR,
  GICD_SIZE,
  GICR_SIZE,
  GICR_WAKER,
  ICC_AP0R0_EL1,
  ICC_AP1R0_EL1,
  ICC_BPR0_EL1,
  ICC_BPR1_EL1,
  ICC_CTLR_EL1,
  ICC_IGRPEN0_EL1,
  ICC_IGRPEN1_EL1,
  ICC_PMR_EL1,
} from '../../assembly/layout/gic-registers.ts';
import type { MemoryRegion } from '../../assembly/load.ts';
import type { InterruptSink } from '../bus/index.ts';
import {
  type Device,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  unnamedRegister,
} from '../plugin/index.ts';
import { GicCpuInterface } from './gic-cpu-interface.ts';
import { gicRegisterName } from './gic-register-names.ts';
import { packRuns, unpackRuns } from './lpi-runs.ts';

/** What a `Gicv3` is built from. */
export interface Gicv3Options {
  /** From `loadGicv3`. */
  readonly module: WebAssembly.Module;
  /** Shared by all threads that run vCPUs or raise interrupts. */
  readonly memory: WebAssembly.Memory;
  /**
   * Byte offset of the GIC's block in the memory, a multiple of 4 KiB. The block has
   * `gicBlockSize` bytes.
   */
  readonly at: number;
  /** At most 256. vCPU n has the affinity 0.0.(n / 16).(n % 16). */
  readonly vcpus: number;
  /** Number of shared peripheral interrupts, a multiple of 32, at most 992. */
  readonly spis: number;
  /**
   * RAM, at multiples of 4 KiB, where software may place the tables of LPIs. Default: no
   * LPIs.
   */
  readonly lpiTables?: MemoryRegion | undefined;
}

/** Region 0 of the device; region 1 contains the redistributors of all vCPUs in order. */
const DISTRIBUTOR = 0;
const KIND = 0x33636967; // "gic3"

/** Registers of a CPU interface with state, in the order in which they are restored. */
const INTERFACE = [
  [GIC_CPU_PMR, ICC_PMR_EL1],
  [GIC_CPU_BPR0, ICC_BPR0_EL1],
  [GIC_CPU_BPR1, ICC_BPR1_EL1],
  [GIC_CPU_AP0R, ICC_AP0R0_EL1],
  [GIC_CPU_AP1R, ICC_AP1R0_EL1],
  [GIC_CPU_CTLR, ICC_CTLR_EL1],
  [GIC_CPU_IGRPEN0, ICC_IGRPEN0_EL1],
  [GIC_CPU_IGRPEN1, ICC_IGRPEN1_EL1],
] as const;

/** Bits of an interrupt's word that are not derived from other state. */
const OWN_BITS = ~(GIC_INT_TARGET | GIC_INT_FORWARDED);

/** Registers of a redistributor for LPIs: words of its block. */
const LPI_REGISTERS = [
  GIC_CPU_LPIS_ENABLED,
  GIC_CPU_PROPBASER,
  GIC_CPU_PROPBASER + 4,
  GIC_CPU_PENDBASER,
  GIC_CPU_PENDBASER + 4,
];
const PAGE = 0x1000;

/** Offset of the LPI area in the block of a GIC. */
function lpiArea(vcpus: number): number {
  return Math.ceil((GIC_CPUS + vcpus * GIC_CPU_SIZE) / PAGE) * PAGE;
}

/** Size of a GIC's block in bytes, for a number of vCPUs. */
export function gicBlockSize(vcpus: number, hasLpis = false): number {
  return hasLpis
    ? lpiArea(vcpus) + GIC_LPI_WORDS_SIZE + vcpus * GIC_LPI_CPU_SIZE
    : GIC_CPUS + vcpus * GIC_CPU_SIZE;
}

const targetOf = (word: number) => word >>> GIC_INT_TARGET_SHIFT;

function checkOptions({ memory, at, vcpus, spis, lpiTables }: Gicv3Options): void {
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > GIC_MAX_VCPUS)
    throw new RangeError(`a GIC has 1 to ${GIC_MAX_VCPUS} vCPUs, not ${vcpus}`);
  const most = GIC_MAX_INTIDS - GIC_PRIVATE_INTIDS;
  if (!Number.isInteger(spis / 32) || spis < 0 || spis > most)
    throw new RangeError(`a GIC has a multiple of 32 SPIs, at most ${most}, not ${spis}`);
  if (!Number.isInteger(at / PAGE) || at < 0)
    throw new RangeError('the block of a GIC lies at a multiple of 4 KiB');
  if (at + gicBlockSize(vcpus, lpiTables !== undefined) > memory.buffer.byteLength)
    throw new RangeError('the block of a GIC lies within its memory');
  if (lpiTables === undefined) return;
  const { gpa, offset, size } = lpiTables;
  const isRam = [gpa, offset, size].every((value) => Number.isInteger(value / PAGE) && value >= 0);
  if (!isRam || gpa + size > 2 ** 32 || offset + size > memory.buffer.byteLength)
    throw new RangeError('lpiTables is RAM of whole pages, below 4 GiB and within the memory');
}

/** A GICv3, with LPIs or without, with one security state, for interrupts of group 1. */
export class Gicv3 extends GicCpuInterface implements Device, InterruptSink {
  readonly name = 'gicv3';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: KIND, interrupts: 0, busMaster: false };
  readonly regions: Device['regions'];
  readonly #memory: WebAssembly.Memory;
  readonly #at: number;
  readonly #vcpus: number;
  readonly #spis: number;
  readonly #hasLpis: boolean;
  readonly #work: Uint32Array;

  /**
   * @throws {RangeError} when there are too many vCPUs or SPIs, or the block or RAM is
   *   misplaced.
   */
  constructor(options: Gicv3Options) {
    checkOptions(options);
    super(options);
    const { memory, at, vcpus, spis, lpiTables } = options;
    this.#memory = memory;
    this.#at = at;
    this.#vcpus = vcpus;
    this.#spis = spis;
    this.#hasLpis = lpiTables !== undefined;
    this.#work = this.#words(GIC_AT_WORK, 1);
    if (lpiTables) {
      const { gpa, offset, size } = lpiTables;
      this.gic.addLpis(at, at + lpiArea(vcpus), gpa, offset, size);
    }
    const accessSizes = [1, 4, 8] as const;
    this.regions = [
      { name: 'gicd', size: GICD_SIZE, accessSizes },
      { name: 'gicr', size: GICR_SIZE * vcpus, accessSizes },
    ];
    this.reset();
  }

  attach(): void {
    // It is the interrupt controller itself, and needs nothing from its host.
  }

  /**
   * The work of accesses since the last call, a unit for each visit of an LPI: of
   * commands of the ITS, and of registers that concern all LPIs.
   */
  takeWork(): number {
    const work = this.#work[0] ?? 0;
    if (work !== 0) this.#work[0] = 0;
    return work;
  }

  reset(): void {
    this.gic.reset(this.#at, this.#vcpus, GIC_PRIVATE_INTIDS + this.#spis);
  }

  /**
   * The line of an SPI.
   * @param index from 0, which is INTID 32.
   */
  line(index: number): InterruptLine {
    if (!Number.isInteger(index) || index < 0 || index >= this.#spis)
      throw new RangeError(`the GIC has ${this.#spis} SPIs: there is no SPI ${index}`);
    const intid = GIC_PRIVATE_INTIDS + index;
    return {
      pulse: () => this.gic.pulseLine(this.#at, 0, intid),
      setLevel: (asserted) => this.gic.setLine(this.#at, 0, intid, asserted ? 1 : 0),
    };
  }

  /**
   * True when anything but the vCPUs and their timers can interrupt the vCPUs: an SPI
   * that nothing masks, or any LPI that nothing masks. Call it only while no vCPU runs.
   * @param mayCome true when an SPI, numbered from 0, may still be asserted.
   */
  canInterrupt(mayCome: (spi: number) => boolean): boolean {
    const cpus = this.#vcpuIndices().map((vcpu) => ({
      isEnabled: this.#word(this.#cpu(vcpu, GIC_CPU_IGRPEN1)) !== 0,
      mask: this.#word(this.#cpu(vcpu, GIC_CPU_PMR)),
    }));
    const passes = (word: number) => {
      const state = word & (GIC_INT_ENABLED | GIC_INT_FORWARDED | GIC_INT_ACTIVE);
      if (state !== (GIC_INT_ENABLED | GIC_INT_FORWARDED)) return false;
      const cpu = cpus[targetOf(word)];
      const priority = (word & GIC_INT_PRIORITY) >>> GIC_INT_PRIORITY_SHIFT;
      return cpu?.isEnabled === true && priority < cpu.mask;
    };
    return (
      this.#spiWords(GIC_SPIS).some((word, spi) => passes(word) && mayCome(spi)) ||
      this.#lpiWords().some(passes)
    );
  }

  read(access: MmioAccess): void {
    const word = this.#readWord(access, access.offset & ~3);
    access.lo = access.size === 1 ? (word >>> (8 * (access.offset & 3))) & 0xff : word;
    access.hi = access.size === 8 ? this.#readWord(access, access.offset + 4) : 0;
  }

  write(access: MmioAccess): void {
    const { region, offset, size, lo, hi } = access;
    const { vcpu, inFrame } = this.#frame(offset);
    if (size === 1) {
      if (region === DISTRIBUTOR) this.gic.writeDistributor8(this.#at, offset, lo);
      else this.gic.writeRedistributor8(this.#at, vcpu, inFrame, lo);
      return;
    }
    this.#writeWord(region, offset, lo);
    if (size === 8) this.#writeWord(region, offset + 4, hi);
  }

  #frame(offset: number): { readonly vcpu: number; readonly inFrame: number } {
    return { vcpu: Math.floor(offset / GICR_SIZE), inFrame: offset % GICR_SIZE };
  }

  #readWord({ region }: MmioAccess, offset: number): number {
    if (region === DISTRIBUTOR) return this.gic.readDistributor(this.#at, offset) >>> 0;
    const { vcpu, inFrame } = this.#frame(offset);
    return this.gic.readRedistributor(this.#at, vcpu, inFrame) >>> 0;
  }

  #writeWord(region: number, offset: number, value: number): void {
    const { vcpu, inFrame } = this.#frame(offset);
    if (region === DISTRIBUTOR) this.gic.writeDistributor(this.#at, offset, value);
    else this.gic.writeRedistributor(this.#at, vcpu, inFrame, value);
  }

  #words(offset: number, count: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, this.#at + offset, count);
  }

  #cpu(vcpu: number, offset: number): number {
    return GIC_CPUS + vcpu * GIC_CPU_SIZE + offset;
  }

  #spiWords(base: number): Uint32Array {
    return this.#words(base + 4 * GIC_PRIVATE_INTIDS, this.#spis);
  }

  #privateWords(vcpu: number): Uint32Array {
    return this.#words(this.#cpu(vcpu, GIC_CPU_PRIVATE), GIC_PRIVATE_INTIDS);
  }

  #vcpuIndices(): readonly number[] {
    return Array.from({ length: this.#vcpus }, (_, i) => i);
  }

  #word(offset: number): number {
    return this.#words(offset, 1)[0] ?? 0;
  }

  #lpiWords(): Uint32Array {
    return this.#hasLpis ? this.#words(lpiArea(this.#vcpus), GIC_LPIS) : new Uint32Array(0);
  }

  #state() {
    const own = (words: Uint32Array) => [...words].map((word) => (word & OWN_BITS) >>> 0);
    return {
      enables: this.#word(GIC_AT_CTLR),
      spis: own(this.#spiWords(GIC_SPIS)),
      routes: [...this.#spiWords(GIC_ROUTES)],
      privates: this.#vcpuIndices().flatMap((vcpu) => own(this.#privateWords(vcpu))),
      wakers: this.#vcpuIndices().map((vcpu) => this.#word(this.#cpu(vcpu, GIC_CPU_WAKER))),
      interfaces: this.#vcpuIndices().flatMap((vcpu) =>
        INTERFACE.map(([at]) => this.#word(this.#cpu(vcpu, at))),
      ),
      lpis: packRuns(this.#lpiWords().map((word) => word & ~GIC_INT_FORWARDED)),
      lpiRegisters: this.#vcpuIndices().flatMap((vcpu) =>
        LPI_REGISTERS.map((at) => this.#word(this.#cpu(vcpu, at))),
      ),
    };
  }

  save(): DeviceState {
    return this.#state();
  }

  restore(state: DeviceState): void {
    const { enables, spis, routes, privates, wakers, interfaces, lpis, lpiRegisters } =
      plainStateLike({ ...this.#state(), lpis: [] as number[] }, state);
    const lpiWords = unpackRuns(lpis, this.#lpiWords().length);
    this.reset();
    // Until all state is restored, targets are those of reset and nothing is forwarded.
    const fill = (words: Uint32Array, from: readonly number[]) => {
      from.forEach((word, i) => {
        words[i] = ((words[i] ?? 0) & GIC_INT_TARGET) | (word & OWN_BITS);
      });
    };
    fill(this.#spiWords(GIC_SPIS), spis);
    this.#spiWords(GIC_ROUTES).set(routes);
    for (const vcpu of this.#vcpuIndices()) {
      const first = vcpu * GIC_PRIVATE_INTIDS;
      fill(this.#privateWords(vcpu), privates.slice(first, first + GIC_PRIVATE_INTIDS));
      const redistributor = vcpu * GICR_SIZE;
      this.#writeWord(1, redistributor + GICR_WAKER, wakers[vcpu] ?? 0);
      INTERFACE.forEach(([, register], i) => {
        const value = BigInt(interfaces[vcpu * INTERFACE.length + i] ?? 0);
        this.gic.iccWrite(this.#at, vcpu, register, value);
      });
    }
    this.#lpiWords().set(
      lpiWords.map((word) => (targetOf(word) < this.#vcpus ? word : word & ~GIC_INT_TARGET)),
    );
    for (const vcpu of this.#vcpuIndices())
      LPI_REGISTERS.forEach((at, i) => {
        const value = lpiRegisters[vcpu * LPI_REGISTERS.length + i] ?? 0;
        this.#words(this.#cpu(vcpu, at), 1)[0] = value;
      });
    this.gic.applyRoutes(this.#at);
    this.gic.writeDistributor(this.#at, GICD_CTLR, enables);
  }

  registerName(region: number, offset: number): string {
    const inFrame = region === DISTRIBUTOR ? offset : this.#frame(offset).inFrame;
    const name = gicRegisterName(region === DISTRIBUTOR ? 'GICD' : 'GICR', inFrame);
    return name ?? unnamedRegister(this.regions[region], offset);
  }
}
