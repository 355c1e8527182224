// SPDX-License-Identifier: MIT
// A device on a bad day: its interrupts come late or never, CONS says what it was, a store of PROD is seen in pieces, its queues' fetches
// end in external aborts. It stands around an SMMU or a CMDQV of a guest, or around any device for its interrupts.

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

/** What goes wrong. Each can be changed at any time; what is absent or 0 does not. */
export interface DeviceFaults {
  /** Of so many pulses of a line the last one is lost; 1: every one. */
  lostInterrupts?: number | undefined;
  /** Safe points of the machine that a pulse is late. */
  lateInterrupts?: number | undefined;
  /** Reads of a command queue's CONS that still give what it was, each time that it has moved. */
  lateCons?: number | undefined;
  /** A store of PROD is seen byte by byte, the low one first. */
  tornProd?: boolean | undefined;
  /** Of so many stores of PROD the last one meets a ring that cannot be fetched (CERROR_ABT). */
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
 * @throws {TypeError} when there is no such fault, or its value has another type.
 * @throws {RangeError} when a count is none.
 */
function checkFaults(faults: DeviceFaults): void {
  checkNames(faults, DEVICE_FAULTS, 'FaultyDevice');
  for (const name of ['lostInterrupts', 'lateInterrupts', 'lateCons', 'fetchAborts'] as const)
    checkOptionalInteger(faults[name], 0, MAX_COUNT, `FaultyDevice: ${name}`);
  checkBoolean(faults.tornProd, 'FaultyDevice: tornProd');
}

/** Has the fetches of the device's queues end in external aborts, until the function that it returns is called. */
export type AbortFetches = () => () => void;

type QueueRegister = 'PROD' | 'CONS' | undefined;

/** Command queue registers of a CMDQV, in any view. */
function cmdqvRegister(offset: number): QueueRegister {
  if (isVcmdqCons(offset)) return 'CONS';
  const at = vcmdqAddress(offset);
  return at?.page === 0 && at.register === VCMDQ_PROD ? 'PROD' : undefined;
}

/** Those of an SMMU: of its CMDQ, and of ECMDQs, wherever in their page they are. */
function smmuRegister(offset: number): QueueRegister {
  if (offset === SMMU_CMDQ_PROD) return 'PROD';
  if (offset === SMMU_CMDQ_CONS) return 'CONS';
  const inPage = offset - SMMU_ECMDQ_PAGE;
  if (inPage < 0 || inPage >= SMMU_ECMDQ_PAGE_SIZE) return undefined;
  if (inPage % ECMDQ_REGISTERS === ECMDQ_PROD) return 'PROD';
  return inPage % ECMDQ_REGISTERS === ECMDQ_CONS ? 'CONS' : undefined;
}

/** Bytes of an ECMDQ's registers. */
const ECMDQ_REGISTERS = 16;
const REGISTER_OF = new Map([
  [ABI_KIND_SMMUV3, smmuRegister],
  [ABI_KIND_CMDQV, cmdqvRegister],
]);

/** A pulse that is on its way. */
interface LatePulse {
  readonly line: InterruptLine;
  left: number;
}

/** Counts to `every`, and says when it has got there. */
class Each {
  #count = 0;

  isDue(every = 0): boolean {
    if (every <= 0 || ++this.#count < every) return false;
    this.#count = 0;
    return true;
  }
}

/** A device around another one, to which happens what its `faults` say. */
export class FaultyDevice extends DeviceWrapper {
  readonly faults: DeviceFaults;
  readonly #abortFetches: AbortFetches | undefined;
  readonly #queueRegister: (offset: number) => QueueRegister;
  readonly #lost = new Each();
  readonly #aborted = new Each();
  readonly #late: LatePulse[] = [];
  /** By offset of a CONS: what it still reads as, and how often. */
  readonly #cons = new Map<number, { shown: number; left: number }>();

  /**
   * @param device not attached yet.
   * @param abortFetches what `fetchAborts` needs; without it there are none.
   * @throws {TypeError} when there is no such fault, or its value has another type.
   * @throws {RangeError} when a count is none.
   */
  constructor(device: Device, faults: DeviceFaults = {}, abortFetches?: AbortFetches) {
    super(device);
    checkFaults(faults);
    checkFunction(abortFetches, 'FaultyDevice: abortFetches');
    this.faults = faults;
    this.#abortFetches = abortFetches;
    this.#queueRegister = REGISTER_OF.get(device.identity.kind) ?? (() => undefined);
  }

  /** Registers are never mapped directly: what happens to them happens here. */
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

  /** A safe point: pulses that were late long enough arrive. Returns how many. */
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

  /** What a read of CONS gives that has the value of the access. */
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

  /** The stores of the lower bytes, before the whole. */
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
