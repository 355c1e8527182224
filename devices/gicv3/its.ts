// SPDX-License-Identifier: MIT
// GICv3 ITS (IHI 0069 chapter 5): translates MSIs of devices into LPIs, by tables that
// software keeps in RAM. Its code is in assembly/gicv3, and its registers are in the
// block of its GIC.

import {
  GIC_AT_ITS_BASER0,
  GIC_AT_ITS_CREADR,
  GIC_AT_ITS_CTLR,
  GIC_AT_ITS_ERROR,
  GIC_AT_ITS_ERRORS,
  GIC_AT_LPIS,
} from '../../assembly/layout/gic-memory.ts';
import {
  GITS_CBASER,
  GITS_COMMAND_OFFSET,
  GITS_CTLR_WRITABLE,
  GITS_CWRITER,
  GITS_SIZE,
  GITS_TRANSLATER,
  GITS_TRANSLATION_FRAME,
} from '../../assembly/layout/its-registers.ts';
import type { Gicv3Exports } from '../../assembly/load.ts';
import type { MsiController } from '../bus/index.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  unnamedRegister,
} from '../plugin/index.ts';
import { gicRegisterName } from './gic-register-names.ts';
import type { Gicv3Options } from './gicv3.ts';
import { type InspectedIts, inspectIts } from './its-inspection.ts';

const KIND = 0x73746967; // "gits"
const TABLES = 2;

/**
 * The ITS of a `Gicv3` with LPIs. The GIC is created first, with the same module, memory
 * and address.
 */
export class GicIts implements Device {
  readonly name = 'gicv3-its';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: KIND, interrupts: 0, busMaster: false };
  readonly regions = [{ name: 'gits', size: GITS_SIZE, accessSizes: [4, 8] as const }];
  readonly #gic: Gicv3Exports;
  readonly #at: number;
  readonly #words: Uint32Array;
  readonly #memory: WebAssembly.Memory;
  #host: DeviceHost | undefined;
  /** Number of commands in error that have been traced. */
  #reported = 0;

  /** @throws {RangeError} when the GIC has no LPIs. */
  constructor({ module, memory, at }: Pick<Gicv3Options, 'module' | 'memory' | 'at'>) {
    this.#gic = new WebAssembly.Instance(module, { env: { memory } })
      .exports as unknown as Gicv3Exports;
    this.#at = at;
    this.#memory = memory;
    this.#words = new Uint32Array(memory.buffer);
    if (this.#word(GIC_AT_LPIS) === 0) throw new RangeError('a GIC with an ITS has LPIs');
    this.reset();
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    host.background({ name: this.name, poll: () => this.#poll() });
  }

  reset(): void {
    this.#gic.resetIts(this.#at);
    this.#reported = 0;
  }

  /**
   * The ITS as an interrupt controller for MSIs: a write to GITS_TRANSLATER is an
   * EventID, its requester ID the DeviceID.
   * @param gpa of its first register.
   */
  msiController(gpa: number): MsiController {
    const frame = gpa + GITS_TRANSLATION_FRAME;
    return {
      doorbells: [{ gpa: frame, size: GITS_SIZE - GITS_TRANSLATION_FRAME }],
      send: (requesterId, address, data) => {
        if (requesterId === undefined || address !== frame + GITS_TRANSLATER) return false;
        this.#gic.translate(this.#at, requesterId, data);
        return true;
      },
    };
  }

  /** Registers, tables and LPIs. Inspection changes nothing. */
  inspect(): InspectedIts {
    return inspectIts(this.#memory, this.#at);
  }

  read(access: MmioAccess): void {
    const { offset, size } = access;
    access.lo = this.#gic.readIts(this.#at, offset) >>> 0;
    access.hi = size === 8 ? this.#gic.readIts(this.#at, offset + 4) >>> 0 : 0;
    this.#reportErrors();
  }

  write({ offset, size, lo, hi }: MmioAccess): void {
    this.#gic.writeIts(this.#at, offset, lo);
    if (size === 8) this.#gic.writeIts(this.#at, offset + 4, hi);
    this.#reportErrors();
  }

  /** Executes commands left over from a write. */
  #poll(): number {
    const before = this.#word(GIC_AT_ITS_CREADR);
    this.#gic.serveIts(this.#at);
    this.#reportErrors();
    return before === this.#word(GIC_AT_ITS_CREADR) ? 0 : 1;
  }

  /** Traces commands in error. */
  #reportErrors(): void {
    const errors = this.#word(GIC_AT_ITS_ERRORS);
    if (errors === this.#reported) return;
    const error = `0x${this.#word(GIC_AT_ITS_ERROR).toString(16).padStart(6, '0')}`;
    this.#host?.trace({ name: 'command error', error, count: errors - this.#reported });
    this.#reported = errors;
  }

  #word(offset: number): number {
    return this.#words[(this.#at + offset) >> 2] ?? 0;
  }

  #state() {
    const queue = [0, 4].map((half) => this.#gic.readIts(this.#at, GITS_CBASER + half) >>> 0);
    const tables = Array.from({ length: 2 * TABLES }, (_, i) =>
      this.#word(GIC_AT_ITS_BASER0 + 4 * i),
    );
    return {
      control: this.#word(GIC_AT_ITS_CTLR),
      queue,
      tables,
      creadr: this.#word(GIC_AT_ITS_CREADR),
      cwriter: this.#gic.readIts(this.#at, GITS_CWRITER),
    };
  }

  save(): DeviceState {
    return this.#state();
  }

  restore(state: DeviceState): void {
    const { control, queue, tables, creadr, cwriter } = plainStateLike(this.#state(), state);
    this.reset();
    queue.forEach((word, i) => {
      this.#gic.writeIts(this.#at, GITS_CBASER + 4 * i, word);
    });
    tables.forEach((word, i) => {
      this.#words[(this.#at + GIC_AT_ITS_BASER0 + 4 * i) >> 2] = word;
    });
    this.#words[(this.#at + GIC_AT_ITS_CREADR) >> 2] = creadr & GITS_COMMAND_OFFSET;
    this.#gic.writeIts(this.#at, GITS_CWRITER, cwriter);
    // Not by a register write, which would execute commands: RAM need not be restored
    // yet.
    this.#words[(this.#at + GIC_AT_ITS_CTLR) >> 2] = control & GITS_CTLR_WRITABLE;
  }

  registerName(_region: number, offset: number): string {
    return gicRegisterName('GITS', offset) ?? unnamedRegister(this.regions[0], offset);
  }
}
