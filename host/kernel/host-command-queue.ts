// SPDX-License-Identifier: MIT
// A command queue of the host's kernel, the SMMU's or a VCMDQ: commands in a ring in host
// RAM, PROD, CMD_SYNC, and the protocol that skips a refused command (IHI 0070 section
// 7.1; Linux does the same for both kinds).

import { CERROR_ABT, CERROR_ATC_INV_SYNC, CERROR_NONE } from '../../assembly/layout/commands.ts';
import { CMDQ_CONS_ERR, Q_INDEX } from '../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../../devices/plugin/index.ts';
import { sync, type TableMemory, writeCommand } from '../../devices/tables/index.ts';
import type { DeviceRegisters } from '../hardware/device-registers.ts';

/**
 * Locations of a queue's registers. Both kinds have the error code at the same place in
 * CONS.
 */
export interface HostQueueRegisters {
  readonly device: DeviceRegisters;
  /** Byte offsets on the device. */
  readonly prod: number;
  readonly cons: number;
  readonly gerror: number;
  readonly gerrorn: number;
  /** The bit of GERROR that reports that the queue has stopped at a command. */
  readonly error: number;
}

export interface HostCommandQueueOptions {
  readonly registers: HostQueueRegisters;
  /** The memory that stores the ring. */
  readonly memory: TableMemory;
  /** PA of the ring, which has 2^log2size entries. */
  readonly ring: number;
  readonly log2size: number;
  /** Lets the devices work while a CMD_SYNC is pending. */
  betweenPolls(): void;
}

export class HostCommandQueue {
  readonly ring: number;
  readonly log2size: number;
  readonly #registers: HostQueueRegisters;
  readonly #memory: TableMemory;
  readonly #betweenPolls: () => void;
  /** Index of the next entry, with its wrap bit, in the format of the PROD register. */
  prod = 0;
  #errors = 0;

  constructor({ registers, memory, ring, log2size, betweenPolls }: HostCommandQueueOptions) {
    this.#registers = registers;
    this.#memory = memory;
    this.ring = ring;
    this.log2size = log2size;
    this.#betweenPolls = betweenPolls;
  }

  /** Number of refused commands, which were skipped. */
  get errors(): number {
    return this.#errors;
  }

  /** Number of entries sent and not yet consumed. */
  get pending(): number {
    const { device, cons } = this.#registers;
    return (this.prod - bitsOf(device.read32(cons), Q_INDEX)) & (2 ** (this.log2size + 1) - 1);
  }

  /**
   * Issues commands and waits until they are complete.
   * @throws {HostError} `timeout` when they do not complete.
   */
  issue(...commands: readonly Uint32Array[]): void {
    // CS none, whose completion is visible in CONS: a VCMDQ supports no other.
    const batch = [...commands, sync()];
    const room = 2 ** this.log2size;
    const { device, cons } = this.#registers;
    for (let first = 0; first < batch.length; first += room) {
      this.send(batch.slice(first, first + room));
      const arrived = (value: number) => bitsOf(value, Q_INDEX) === this.prod;
      device.poll(cons, 'CMD_SYNC', arrived, () => {
        this.handleError();
        this.#betweenPolls();
      });
    }
  }

  /** Writes commands into the ring, which must have room for them, and stores PROD. */
  send(commands: readonly Uint32Array[]): void {
    const size = 2 ** this.log2size;
    for (const command of commands) {
      writeCommand(this.#memory, this.ring, this.prod % size, command);
      this.prod = (this.prod + 1) % (2 * size);
    }
    this.#registers.device.write32(this.#registers.prod, this.prod);
  }

  /** Restarts a queue that has stopped at an error. */
  handleError(): void {
    const { device, gerror, gerrorn, cons, error } = this.#registers;
    const active = device.read32(gerror);
    if (((active ^ device.read32(gerrorn)) & error) === 0) return;
    this.#errors++;
    const stopped = device.read32(cons);
    const code = bitsOf(stopped, CMDQ_CONS_ERR);
    // A failed fetch or sync is repeated as it is; a CMD_SYNC replaces a bad command.
    if (code !== CERROR_NONE && code !== CERROR_ABT && code !== CERROR_ATC_INV_SYNC)
      writeCommand(this.#memory, this.ring, bitsOf(stopped, Q_INDEX) % 2 ** this.log2size, sync());
    device.write32(gerrorn, active);
  }
}
