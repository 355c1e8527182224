// SPDX-License-Identifier: MIT
// Linux's tegra241-cmdqv beyond its reset: probe, VINTF 0's queues, the choice of a
// queue, errors, removal. Offsets are literal.

import { deinitVintf0, lvcmdqsOf, resetHardware } from './cmdqv-registers.ts';
import { CommandQueue } from './command-queue.ts';
import type { DriverPlatform } from './driver-platform.ts';

/** tegra241_guest_vcmdq_supports_cmd: TLBI_NH_ASID, TLBI_NH_VA, ATC_INV. */
const GUEST_COMMANDS: readonly number[] = [0x11, 0x12, 0x40];
/** Bits of VCMDQ_BASE.ADDR. */
const ADDRESS_BITS = 48;

export class Tegra241Cmdqv {
  readonly queues: readonly CommandQueue[];
  /** VINTF 0 and its queues are enabled. */
  enabled = false;
  hypOwn = false;
  /** Errors that its interrupt handler has handled. */
  readonly errors: { readonly lvcmdq: number; readonly code: number }[] = [];
  readonly #platform: DriverPlatform;
  readonly #bases: readonly bigint[];
  #cpu = 0;

  /**
   * tegra241_cmdqv_probe, tegra241_cmdqv_init_structures. `log2size`: of its queues, from
   * IDR1.CMDQS.
   */
  constructor(platform: DriverPlatform, log2size: number) {
    this.#platform = platform;
    const { cmdqv } = platform;
    cmdqv.read32(0x0000);
    this.queues = Array.from(
      { length: lvcmdqsOf(cmdqv) },
      (_, lvcmdq) =>
        new CommandQueue(platform, {
          registers: cmdqv,
          cons: 0x30000 + 0x80 * lvcmdq,
          prod: 0x30004 + 0x80 * lvcmdq,
          log2size,
          completion: 'none',
        }),
    );
    this.#bases = this.queues.map((queue) => {
      if (queue.base >= 2 ** ADDRESS_BITS) throw new Error('a VCMDQ beyond BASE.ADDR');
      return BigInt(queue.base + log2size);
    });
  }

  /** tegra241_cmdqv_hw_reset. */
  reset(flush: () => void): void {
    for (const queue of this.queues) queue.restart();
    this.hypOwn = resetHardware(this.#platform.cmdqv, this.#bases, flush);
    this.enabled = true;
  }

  /** tegra241_cmdqv_get_cmdq: this CPU's queue, if VINTF 0 supports the command. */
  queueFor(opcode: number): CommandQueue | undefined {
    if (!this.enabled || (!this.hypOwn && !GUEST_COMMANDS.includes(opcode))) return undefined;
    return this.queues[this.#cpu++ % this.queues.length];
  }

  /** tegra241_cmdqv_isr, tegra241_vintf0_handle_error. */
  isr(): void {
    const { cmdqv } = this.#platform;
    const vintfs = [cmdqv.read32(0x0018), cmdqv.read32(0x0014)];
    for (let map = 3; map >= 0; map--) cmdqv.read32(0x0024 + 4 * map);
    if (((vintfs[1] ?? 0) & 1) === 0) return;
    for (let map = 0; map < 4; map++) {
      const bits = cmdqv.read32(0x10c0 + 4 * map);
      for (let bit = 0; bit < 32; bit++) {
        if ((bits & (1 << bit)) === 0) continue;
        const lvcmdq = 32 * map + bit;
        const page0 = 0x30000 + 0x80 * lvcmdq;
        const gerror = cmdqv.read32(page0 + 0x10);
        const queue = this.queues[lvcmdq];
        // The driver uses the map's bit number as an index.
        if (!queue) throw new Error(`LVCMDQ_ERR_MAP names LVCMDQ ${lvcmdq}`);
        this.errors.push({ lvcmdq, code: queue.skipError() });
        cmdqv.write32(page0 + 0x14, gerror);
      }
    }
  }

  /** tegra241_cmdqv_remove, tegra241_cmdqv_remove_vintf. */
  remove(flush: () => void): void {
    this.enabled = false;
    deinitVintf0(this.#platform.cmdqv, flush);
  }
}
