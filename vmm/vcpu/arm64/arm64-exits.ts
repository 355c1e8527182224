// SPDX-License-Identifier: MIT
// Requests of an arm64 vCPU to its machine, on the machine's thread, wherever the vCPU
// runs: devices, hypercalls, semihosting.

import {
  ARM64_EL,
  ARM64_MMIO_ADDRESS,
  ARM64_MMIO_SIZE,
  ARM64_PC,
  ARM64_X,
} from '../../../assembly/layout/arm64-state.ts';
import { type AccessSize, MachineError } from '../../../devices/plugin/index.ts';
import { EXIT_KINDS } from '../exit-counter.ts';
import type { VcpuExit, VcpuHost } from '../vcpu.ts';
import { genericRegisterName } from './a64-fields.ts';
import type { Arm64Board, HypercallResult } from './arm64-board.ts';
import type { Arm64Cpu } from './arm64-cpu.ts';

const MMIO = EXIT_KINDS.indexOf('mmio');
const LOW = 0xffffffffn;
/** Immediate of HLT. */
const SEMIHOSTING = 0xf000n;
/** The smallest page of a guest. */
const PAGE = 0x1000;
/** Bytes that a semihosting call reads at the cost of an exit. */
const MOST_READ = 64;
/** Work of an interrupt controller that costs as much as an exit. */
const WORK_OF_EXIT = 64;

/** What exits are built from. */
export interface Arm64ExitsOptions {
  readonly cpu: Arm64Cpu;
  readonly host: VcpuHost;
  readonly board: Arm64Board;
}

export class Arm64Exits {
  readonly #options: Arm64ExitsOptions;
  /** The result of an access that cannot be completed; it ends the run. */
  #ended: VcpuExit | undefined;
  #left = Number.POSITIVE_INFINITY;

  constructor(options: Arm64ExitsOptions) {
    this.#options = options;
  }

  /** After this number of exits the vCPU returns. */
  allow(exits: number): void {
    this.#left = exits;
  }

  /** Counts something that costs as much as a number of plain exits. */
  spend(exits: number): void {
    this.#left -= exits;
    if (this.isSpent) this.#options.cpu.block.setStop(true);
  }

  /** True when it has made or spent the exits that it was allowed. */
  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** The reason why the vCPU cannot continue, once. */
  takeEnded(): VcpuExit | undefined {
    const ended = this.#ended;
    this.#ended = undefined;
    return ended;
  }

  /** An exit. An error in it ends the run, without passing through the CPU. */
  exit(kind: number, call: () => void): void {
    const { host, cpu } = this.#options;
    const { gate } = host;
    this.guard(() => {
      gate.enter(cpu.index, kind);
      call();
      gate.leave(cpu.index, kind);
    });
    this.spend(1);
  }

  /** Something that is no exit. What is thrown ends the run as well. */
  guard(call: () => void): void {
    const { host, cpu } = this.#options;
    try {
      call();
    } catch (thrown) {
      const ended: VcpuExit = {
        reason: 'failed',
        error: MachineError.of(`guest vCPU ${cpu.index}`, thrown),
      };
      host.gate.threw(ended, thrown);
      this.#ended = ended;
      cpu.block.setStop(true);
    }
  }

  /**
   * Reports that the instruction at the PC accesses an unknown system register; no exit.
   */
  unknownRegister(encoding: number, isWrite: boolean): void {
    const { board, cpu } = this.#options;
    this.guard(() => {
      board.unknownRegister?.({
        vcpu: cpu.index,
        register: genericRegisterName(encoding),
        isWrite,
        pc: cpu.block.long(ARM64_PC),
      });
    });
  }

  /** An access to a device, for the CPU: 0 when there is none. */
  mmio(isWrite: boolean): number {
    const { host, cpu, board } = this.#options;
    const { bus } = host;
    const { block, index } = cpu;
    const gpa = Number(block.long(ARM64_MMIO_ADDRESS));
    if (!bus.isMapped(gpa)) return 0;
    const size = block.word(ARM64_MMIO_SIZE) as AccessSize;
    this.exit(MMIO, () => {
      if (isWrite) {
        const value = block.mmioValue;
        bus.write(gpa, size, Number(value & LOW), Number(value >> 32n), index);
      } else {
        const low = bus.read(gpa, size, index);
        block.mmioValue = (BigInt(bus.high) << 32n) | BigInt(low);
      }
    });
    const work = board.interrupts.takeWork?.() ?? 0;
    if (work >= WORK_OF_EXIT) this.spend(Math.floor(work / WORK_OF_EXIT));
    return 1;
  }

  /** The last instruction was HVC. A result that returns is stored in X0. */
  hypercall(): HypercallResult {
    const { board, cpu } = this.#options;
    const x = (n: number) => cpu.block.long(ARM64_X + 8 * n);
    return this.#answered(
      board.hypercall({ vcpu: cpu.index, x0: x(0), x1: x(1), x2: x(2), x3: x(3) }),
    );
  }

  /**
   * The instruction at the PC is HLT: a semihosting call of EL1 if the board supports
   * them; otherwise undefined, and the instruction is UNDEFINED.
   */
  semihosting(): HypercallResult | undefined {
    const { board, cpu } = this.#options;
    const { block, exports } = cpu;
    const isCall = block.mmioValue === SEMIHOSTING && block.word(ARM64_EL) !== 0;
    if (!board.semihosting || !isCall) return undefined;
    block.setLong(ARM64_PC, block.long(ARM64_PC) + 4n);
    return this.#answered(
      board.semihosting({
        operation: block.word(ARM64_X),
        parameter: block.long(ARM64_X + 8),
        read: (address, length) => {
          this.spend(1);
          const at = exports.hostAddress(block.at, address);
          const inPage = PAGE - Number(address & BigInt(PAGE - 1));
          return at === 0 ? undefined : block.bytes(at, Math.min(length, MOST_READ, inPage));
        },
      }),
    );
  }

  #answered(result: HypercallResult): HypercallResult {
    const returns = result.what === 'return' || result.what === 'suspend';
    if (returns) this.#options.cpu.block.setLong(ARM64_X, result.x0);
    return result;
  }
}
