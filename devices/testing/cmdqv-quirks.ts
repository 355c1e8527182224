// SPDX-License-Identifier: MIT
// Fault injection for a CMDQV: hardware behaviour that drivers of CMDQVs have been found
// to handle wrongly. It wraps a CMDQV of either role, which is not modified.

import {
  CMDQV_CONFIG,
  CMDQV_CONFIG_EN,
  CMDQV_DIRECT_PAGE0,
  CMDQV_STATUS,
  CMDQV_VINTF,
  CMDQV_VINTF_STRIDE,
  VCMDQ_CONFIG,
  VCMDQ_STATUS,
  VINTF_CONFIG,
  VINTF_STATUS,
} from '../../assembly/layout/cmdqv-registers.ts';
import { isVcmdqCons, vcmdqAddress } from '../cmdqv/address.ts';
import { DeviceWrapper, type HostChanges } from '../faults/index.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type InterruptLine,
  type MmioAccess,
} from '../plugin/index.ts';
import { checkOptions, eitherOf, flag, type OptionKinds, uint32 } from '../plugin/option-kinds.ts';

/** The quirks to inject. Each can be changed at any time. */
export interface CmdqvQuirks {
  /**
   * Interrupts without a cause, at the first access after a reset: before software has
   * set up anything. Default 0.
   */
  earlyInterrupts?: number;
  /**
   * An interrupt without a cause at each write that disables the CMDQV, a VINTF or a
   * VCMDQ. Default false.
   */
  interruptOnDisable?: boolean;
  /**
   * Reads of a STATUS that still return "disabled" after the enabling write; Infinity:
   * always. Default 0.
   */
  enableDelay?: number;
  /**
   * Reads of the STATUS of a disabled VCMDQ that still return "enabled", as while one
   * waits at a CMD_SYNC. Default 0.
   */
  disableDelay?: number;
  /** CONS of every VCMDQ always returns the value of its first read. Default false. */
  stuckCons?: boolean;
}

/** A number of reads, Infinity for all. */
const reads = eitherOf((value) => value === Infinity, uint32);

const QUIRKS: OptionKinds<CmdqvQuirks> = {
  earlyInterrupts: uint32,
  interruptOnDisable: flag,
  enableDelay: reads,
  disableDelay: reads,
  stuckCons: flag,
};

/** An enable, and the STATUS that shows its effect. */
interface Enable {
  readonly status: number;
  readonly vcmdq: boolean;
}

/** The enable at a register; undefined for other registers. */
function enableAt(offset: number): Enable | undefined {
  const at = vcmdqAddress(offset);
  if (at) {
    const is = at.page === 0 && at.register === VCMDQ_CONFIG;
    return is ? { status: offset - VCMDQ_CONFIG + VCMDQ_STATUS, vcmdq: true } : undefined;
  }
  if (offset === CMDQV_CONFIG) return { status: CMDQV_STATUS, vcmdq: false };
  const inVintf =
    offset < CMDQV_DIRECT_PAGE0 &&
    offset >= CMDQV_VINTF &&
    (offset - CMDQV_VINTF) % CMDQV_VINTF_STRIDE === VINTF_CONFIG;
  return inVintf ? { status: offset - VINTF_CONFIG + VINTF_STATUS, vcmdq: false } : undefined;
}

/** A wrapper around a CMDQV that injects the given quirks. */
export class QuirkyCmdqv extends DeviceWrapper {
  readonly quirks: CmdqvQuirks;
  /**
   * By offset of a STATUS: the former value that it still reads as, and for how many
   * reads.
   */
  readonly #late = new Map<number, { left: number; readonly enabled: number }>();
  /** By offset of a CONS: the value of its first read. */
  readonly #stuck = new Map<number, number>();
  #line: InterruptLine | undefined;
  #touched = false;

  /**
   * @param device a CMDQV of either role.
   * @throws {TypeError} when a quirk is unknown.
   */
  constructor(device: Device, quirks: CmdqvQuirks = {}) {
    super(device);
    checkOptions(quirks, QUIRKS, 'QuirkyCmdqv');
    this.quirks = quirks;
  }

  /** An interrupt without a cause. */
  interrupt(): void {
    this.#line?.pulse();
  }

  /** Page 0 is never mapped directly, as its reads are changed here. */
  protected override changes(host: DeviceHost): HostChanges {
    this.#line = host.interruptLine(0);
    return { mapDirect: () => undefined };
  }

  override reset(): void {
    this.#late.clear();
    this.#stuck.clear();
    this.#touched = false;
    this.device.reset();
  }

  #touch(): void {
    if (this.#touched) return;
    this.#touched = true;
    for (let i = 0; i < (this.quirks.earlyInterrupts ?? 0); i++) this.interrupt();
  }

  override read(access: MmioAccess): void {
    this.#touch();
    this.device.read(access);
    const { offset } = access;
    const late = this.#late.get(offset);
    if (late && late.left > 0) {
      late.left--;
      access.lo = ((access.lo & ~1) | late.enabled) >>> 0;
    }
    if (!this.quirks.stuckCons) this.#stuck.clear();
    else if (isVcmdqCons(offset)) {
      const first = this.#stuck.get(offset) ?? access.lo;
      this.#stuck.set(offset, first);
      access.lo = first;
    }
  }

  override write(access: MmioAccess): void {
    this.#touch();
    const enable = enableAt(access.offset);
    const on = bitsOf(access.lo, CMDQV_CONFIG_EN) === 1;
    const was = enable ? this.#enabled(enable.status) : false;
    this.device.write(access);
    if (!enable || was === on) return;
    const { enableDelay = 0, disableDelay = 0, interruptOnDisable = false } = this.quirks;
    const left = on ? enableDelay : enable.vcmdq ? disableDelay : 0;
    this.#late.set(enable.status, { left, enabled: was ? 1 : 0 });
    if (!on && interruptOnDisable) this.interrupt();
  }

  /** STATUS.ENABLED of the device. */
  #enabled(status: number): boolean {
    const access: MmioAccess = { region: 0, offset: status, size: 4, lo: 0, hi: 0, vcpu: 0 };
    this.device.read(access);
    return (access.lo & 1) === 1;
  }
}
