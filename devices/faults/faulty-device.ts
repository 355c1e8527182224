// SPDX-License-Identifier: MIT
// Fault injection around a device: interrupts arrive late or never, CONS reads a former
// value, a store of PROD is seen in pieces, fetches of its queues end in external aborts.
// It wraps an SMMU or a CMDQV of a guest, or any device for its interrupts.

import { VCMDQ_PROD } from '../../assembly/layout/cmdqv-registers.ts';
import { ABI_KIND_CMDQV, ABI_KIND_SMMUV3 } from '../../assembly/layout/guest-abi.ts';
import {
  ECMDQ_CONS,
  ECMDQ_PROD,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_ECMDQ_PAGE,
  SMMU_ECMDQ_PAGE_SIZE,
} from '../../assembly/layout/smmu-registers.ts';
import { isVcmdqCons, vcmdqAddress } from '../cmdqv/address.ts';
import {
  checkFunction,
  checkNames,
  type Device,
  type DeviceHost,
  type InterruptLine,
  type MmioAccess,
} from '../plugin/index.ts';
import { allNamesOf } from '../plugin/known-names.ts';
import { checkBoolean, checkOptionalInteger } from '../plugin/known-values.ts';
import { DeviceWrapper, type HostChanges } from './device-wrapper.ts';

/**
 * The faults to inject. Each can be changed at any time; a fault that is absent or 0 does
 * not occur.
 */
export interface DeviceFaults {
  /** Of this number of pulses of a line, the last one is lost; 1 loses every pulse. */
  lostInterrupts?: number | undefined;
  /** Safe points of the machine by which a pulse is delayed. */
  lateInterrupts?: number | undefined;
  /**
   * Reads of a command queue's CONS that still return its former value, each time it has
   * moved.
   */
  lateCons?: number | undefined;
  /** A store of PROD is seen byte by byte, the lowest first. */
  tornProd?: boolean | undefined;
  /**
   * Of this number of stores of PROD, the last one finds a ring that cannot be fetched
   * (CERROR_ABT).
   */
  fetchAborts?: number | undefined;
}

const DEVICE_FAULTS = allNamesOf<DeviceFaults>({
  lostInterrupts: true,
  lateInterrupts: true,
  lateCons: true,
  tornProd: true,
  fetchAborts: true,
});

const MAX_COUNT = 2 ** 32 - 1;

/**
 * @throws {TypeError} when a fault is unknown, or its value has the wrong type.
 * @throws {RangeError} when a count is not one.
 */
function checkFaults(faults: DeviceFaults): void {
  checkNames(faults, DEVICE_FAULTS, 'FaultyDevice');
  for (const name of ['lostInterrupts', 'lateInterrupts', 'lateCons', 'fetchAborts'] as const)
    checkOptionalInteger(faults[name], 0, MAX_COUNT, `FaultyDevice: ${name}`);
  checkBoolean(faults.tornProd, 'FaultyDevice: tornProd');
}

/**
 * Makes fetches of the device's queues end in external aborts until the returned function
 * is called.
 */
export type AbortFetches = () => () => void;

type QueueRegister = 'PROD' | 'CONS' | undefined;

/** Command queue registers of a CMDQV, in any view. */
function cmdqvRegister(offset: number): QueueRegister {
  if (isVcmdqCons(offset)) return 'CONS';
  const at = vcmdqAddress(offset);
  return at?.page === 0 && at.register === VCMDQ_PROD ? 'PROD' : undefined;
}

/**
 * Command queue registers of an SMMU: of its CMDQ, and of ECMDQs, at any place of their
 * page.
 */
function smmuRegister(offset: number): QueueRegister {
  if (offset === SMMU_CMDQ_PROD) return 'PROD';
  if (offset === SMMU_CMDQ_CONS) return 'CONS';
  const inPage = offset - SMMU_ECMDQ_PAGE;
  if (inPage < 0 || inPage >= SMMU_ECMDQ_PAGE_SIZE) return undefined;
  if (inPage % ECMDQ_REGISTERS === ECMDQ_PROD) return 'PROD';
  return inPage % ECMDQ_REGISTERS === ECMDQ_CONS ? 'CONS' : undefined;
}

/** Size of an ECMDQ's registers in bytes. */
const ECMDQ_REGISTERS = 16;
const REGISTER_OF = new Map([
  [ABI_KIND_SMMUV3, smmuRegister],
  [ABI_KIND_CMDQV, cmdqvRegister],
]);

/** A delayed pulse. */
interface LatePulse {
  readonly line: InterruptLine;
  left: number;
}

/** Counts to `every`, and reports when it is reached. */
class Each {
  #count = 0;

  isDue(every = 0): boolean {
    if (every <= 0 || ++this.#count < every) return false;
    this.#count = 0;
    return true;
  }
}

/** A wrapper around a device that injects the given `faults`. */
export class FaultyDevice extends DeviceWrapper {
  readonly faults: DeviceFaults;
  readonly #abortFetches: AbortFetches | undefined;
  readonly #queueRegister: (offset: number) => QueueRegister;
  readonly #lost = new Each();
  readonly #aborted = new Each();
  readonly #late: LatePulse[] = [];
  /**
   * By offset of a CONS: the former value that it still reads as, and for how many reads.
   */
  readonly #cons = new Map<number, { shown: number; left: number }>();

  /**
   * @param device not attached yet.
   * @param abortFetches implements `fetchAborts`, which has no effect without it.
   * @throws {TypeError} when a fault is unknown, or its value has the wrong type.
   * @throws {RangeError} when a count is not one.
   */
  constructor(device: Device, faults: DeviceFaults = {}, abortFetches?: AbortFetches) {
    super(device);
    checkFaults(faults);
    checkFunction(abortFetches, 'FaultyDevice: abortFetches');
    this.faults = faults;
    this.#abortFetches = abortFetches;
    this.#queueRegister = REGISTER_OF.get(device.identity.kind) ?? (() => undefined);
  }

  /**
   * Registers are never mapped directly, as the faults are injected into trapped
   * accesses.
   */
  protected override changes(host: DeviceHost): HostChanges {
    host.background({ name: `${this.name}: late interrupts`, poll: () => this.#deliver() });
    return {
      mapDirect: () => undefined,
      interruptLine: (index) => this.#line(host.interruptLine(index)),
    };
  }

  #line(line: InterruptLine): InterruptLine {
    return {
      pulse: () => {
        const { lostInterrupts, lateInterrupts: left = 0 } = this.faults;
        if (this.#lost.isDue(lostInterrupts)) return;
        if (left > 0) this.#late.push({ line, left });
        else line.pulse();
      },
      setLevel: (asserted) => line.setLevel(asserted),
    };
  }

  /** At a safe point: delivers pulses whose delay has elapsed. Returns their number. */
  #deliver(): number {
    for (const pulse of this.#late) pulse.left--;
    const due = this.#late.filter(({ left }) => left <= 0);
    if (due.length > 0)
      this.#late.splice(0, Number.POSITIVE_INFINITY, ...this.#late.filter(({ left }) => left > 0));
    for (const { line } of due) line.pulse();
    return due.length;
  }

  override reset(): void {
    this.#late.length = 0;
    this.#cons.clear();
    super.reset();
  }

  override read(access: MmioAccess): void {
    super.read(access);
    if (this.#queueRegister(access.offset) === 'CONS') access.lo = this.#lateCons(access);
  }

  /** The value that a read of CONS returns, given the actual value in the access. */
  #lateCons({ offset, lo }: MmioAccess): number {
    const { lateCons = 0 } = this.faults;
    const seen = this.#cons.get(offset);
    if (!seen || lateCons <= 0) {
      this.#cons.set(offset, { shown: lo, left: lateCons });
      return lo;
    }
    if (seen.shown === lo) seen.left = lateCons;
    else if (seen.left-- <= 0) {
      seen.shown = lo;
      seen.left = lateCons;
    }
    return seen.shown;
  }

  override write(access: MmioAccess): void {
    if (this.#queueRegister(access.offset) !== 'PROD') {
      super.write(access);
      return;
    }
    const { fetchAborts, tornProd = false } = this.faults;
    if (tornProd) this.#tear(access);
    const aborts = this.#abortFetches !== undefined && this.#aborted.isDue(fetchAborts);
    const again = aborts ? this.#abortFetches?.() : undefined;
    super.write(access);
    again?.();
  }

  /** Stores of the lower bytes, before the complete store. */
  #tear(access: MmioAccess): void {
    const { lo } = access;
    const before = { ...access };
    super.read(before);
    for (const mask of [0xff, 0xffff, 0xffffff]) {
      const torn = ((before.lo & ~mask) | (lo & mask)) >>> 0;
      if (torn !== before.lo && torn !== lo) super.write({ ...access, lo: torn });
    }
  }
}
