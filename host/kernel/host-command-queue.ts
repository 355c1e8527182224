// The host's driver of the physical SMMU's command queue: commands into the ring in host
// RAM, PROD, CMD_SYNC, and the skip protocol for a command that the SMMU refuses (IHI
// 0070 section 7.1; Linux does the same).

import { CERROR_ABT, CERROR_ATC_INV_SYNC, CERROR_NONE } from '../../assembly/layout/commands.ts';
import {
  CMDQ_CONS_ERR,
  CMDQ_ENTRY_SIZE,
  GERROR_CMDQ_ERR,
  Q_INDEX,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_GERROR,
  SMMU_GERRORN,
} from '../../assembly/layout/smmu-registers.ts';
import { bitsOf, maskInWord } from '../../devices/plugin/index.ts';
import { sync, writeCommand } from '../../devices/tables/index.ts';
import type { DeviceRegisters } from '../hardware/device-registers.ts';
import type { HostRam } from '../hardware/host-ram.ts';
import { allocateRing } from './ring-memory.ts';

/** BASE.RA: read-allocate, as Linux sets it. Bit 62 of the register, bit 30 of its upper word. */
const BASE_RA = 1 << 30;

export class HostCommandQueue {
  readonly #registers: DeviceRegisters;
  readonly #ram: HostRam;
  readonly #log2size: number;
  readonly #ring: number;
  readonly #betweenLooks: () => void;
  #prod = 0;
  #errors = 0;

  /** `betweenLooks` lets the devices work while a CMD_SYNC is waited for. */
  constructor(
    registers: DeviceRegisters,
    ram: HostRam,
    log2size: number,
    betweenLooks: () => void,
  ) {
    this.#registers = registers;
    this.#ram = ram;
    this.#log2size = log2size;
    this.#betweenLooks = betweenLooks;
    this.#ring = allocateRing(ram, CMDQ_ENTRY_SIZE, log2size);
  }

  /** Commands that the SMMU refused and that were skipped. */
  get errors(): number {
    return this.#errors;
  }

  /** Programs the queue; CMDQEN is still 0. */
  initialise(): void {
    this.#registers.write64(SMMU_CMDQ_BASE, this.#ring + this.#log2size, BASE_RA);
    this.#registers.write32(SMMU_CMDQ_PROD, 0);
    this.#registers.write32(SMMU_CMDQ_CONS, 0);
    this.#prod = 0;
  }

  /**
   * Issues commands and waits until they are complete.
   * @throws {HostError} when the SMMU does not complete them.
   */
  issue(...commands: readonly Uint32Array[]): void {
    const batch = [...commands, sync()];
    const room = 2 ** this.#log2size;
    for (let first = 0; first < batch.length; first += room) {
      for (const command of batch.slice(first, first + room)) this.#append(command);
      this.#registers.write32(SMMU_CMDQ_PROD, this.#prod);
      this.#await(this.#prod);
    }
  }

  /** The ring has room: nothing of an earlier batch is outstanding. */
  #append(command: Uint32Array): void {
    const size = 2 ** this.#log2size;
    writeCommand(this.#ram, this.#ring, this.#prod % size, command);
    this.#prod = (this.#prod + 1) % (2 * size);
  }

  #await(prod: number): void {
    const arrived = (cons: number) => bitsOf(cons, Q_INDEX) === prod;
    this.#registers.poll(SMMU_CMDQ_CONS, 'CMD_SYNC', arrived, () => {
      this.handleError();
      this.#betweenLooks();
    });
  }

  /** Gets a queue that has stopped at an error going again. */
  handleError(): void {
    const gerror = this.#registers.read32(SMMU_GERROR);
    if (((gerror ^ this.#registers.read32(SMMU_GERRORN)) & maskInWord(GERROR_CMDQ_ERR)) === 0)
      return;
    this.#errors++;
    const cons = this.#registers.read32(SMMU_CMDQ_CONS);
    const code = bitsOf(cons, CMDQ_CONS_ERR);
    // A failed fetch and a failed sync are repeated as they are; a bad command gives way to a CMD_SYNC.
    if (code !== CERROR_NONE && code !== CERROR_ABT && code !== CERROR_ATC_INV_SYNC) {
      writeCommand(this.#ram, this.#ring, bitsOf(cons, Q_INDEX) % 2 ** this.#log2size, sync());
    }
    this.#registers.write32(SMMU_GERRORN, gerror);
  }
}
