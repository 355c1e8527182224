// SPDX-License-Identifier: MIT
// What an arm64 vCPU asks its machine for, on the machine's thread, wherever it runs itself: devices,
// hypercalls, semihosting.

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

/** What exits are made of. */
export interface Arm64ExitsOptions {
  readonly cpu: Arm64Cpu;
  readonly host: VcpuHost;
  readonly board: Arm64Board;
}

export class Arm64Exits {
  readonly #options: Arm64ExitsOptions;
  /** What an access has come to that cannot go on; it ends the run. */
  #ended: VcpuExit | undefined;

  constructor(options: Arm64ExitsOptions) {
    this.#options = options;
  }

  /** Why the vCPU cannot go on, once. */
  takeEnded(): VcpuExit | undefined {
    const ended = this.#ended;
    this.#ended = undefined;
    return ended;
  }

  /** Something outside of the guest. What is thrown ends the run; it does not pass through the CPU. */
  exit(kind: number, call: () => void): void {
    const { host, cpu } = this.#options;
    const { gate } = host;
    this.guard(() => {
      gate.enter(cpu.index, kind);
      call();
      gate.leave(cpu.index, kind);
    });
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

  /** The instruction at the PC accesses a system register that there is not: no exit, but it is told. */
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

  /** An access of a device, for the CPU: 0 where there is none. */
  mmio(isWrite: boolean): number {
    const { bus } = this.#options.host;
    const { block, index } = this.#options.cpu;
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
    return 1;
  }

  /** The last instruction was HVC. A result that returns is in X0. */
  hypercall(): HypercallResult {
    const { board, cpu } = this.#options;
    const x = (n: number) => cpu.block.long(ARM64_X + 8 * n);
    return this.#answered(
      board.hypercall({ vcpu: cpu.index, x0: x(0), x1: x(1), x2: x(2), x3: x(3) }),
    );
  }

  /**
   * The instruction at the PC is HLT: a semihosting call of EL1 where the board has them.
   * Undefined: it is UNDEFINED.
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
        read: (address) => {
          const at = exports.hostAddress(block.at, address);
          return at === 0 ? undefined : block.byte(at);
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
