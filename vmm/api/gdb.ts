// SPDX-License-Identifier: MIT
// GDB connections to a machine, by any transport.

import { GicIts } from '../../devices/gicv3/index.ts';
import { checkRequiredFunction } from '../../devices/plugin/index.ts';
import { GdbSession, machineMonitor } from '../gdb/index.ts';
import type { DebugTarget } from '../vcpu/index.ts';
import { asOption, OptionsError, UseError } from './api-errors.ts';
import { Machine } from './machine.ts';
import { PARTS } from './machine-parts.ts';
import type { MachineEnd } from './machine-types.ts';

/** A debugger that is connected to a machine. */
export interface GdbConnection {
  /** The debugger has detached, or killed the machine: it sends nothing more. */
  readonly isOver: boolean;
  /** Receives bytes from the debugger, in pieces of any size. */
  receive(bytes: Uint8Array): void;
  /**
   * The debugger has disconnected: its breakpoints are removed, and the machine resumes.
   */
  close(): void;
}

/**
 * The debugger's interface to a machine.
 * @throws {OptionsError} when it is not a machine.
 * @throws {UseError} when GDB cannot debug the machine.
 */
export function targetOf(machine: Machine): DebugTarget {
  if (!(machine instanceof Machine))
    throw new OptionsError('bad-option', 'machine', 'machine must be a Machine of createMachine');
  const target = PARTS.get(machine)?.board.debug;
  if (target) return target;
  const message = `${machine.name} is not a machine of the board virt: GDB cannot debug it`;
  throw new UseError('no-debugger', message);
}

/** The ITS of a machine; undefined when there is none. */
function itsOf(machine: Machine): GicIts | undefined {
  const { placements = [] } = PARTS.get(machine)?.board.machine.devices ?? {};
  return placements.map(({ device }) => device).find((device) => device instanceof GicIts);
}

/**
 * Halts a machine of the board `virt` until a debugger resumes it; a machine that has not
 * been booted halts at its first instruction.
 * @throws {OptionsError} when it is not a machine.
 * @throws {UseError} when GDB cannot debug the machine.
 */
export function haltForGdb(machine: Machine): void {
  targetOf(machine).halt();
}

/**
 * Connects a debugger to a machine of the board `virt`, by the GDB Remote Serial
 * Protocol, and halts the machine. There is at most one debugger at a time.
 * @param send receives bytes for the debugger, in order.
 * @throws {OptionsError} when it is not a machine, or `send` is not a function.
 * @throws {UseError} when GDB cannot debug the machine.
 *
 * @example
 * ```js
 * import { connectGdb } from 'vsmmu';
 *
 * export function debug(machine, socket) {
 *   const gdb = connectGdb(machine, (bytes) => socket.send(bytes));
 *   socket.onmessage = ({ data }) => gdb.receive(new Uint8Array(data));
 *   socket.onclose = () => gdb.close();
 * }
 * ```
 */
export function connectGdb(machine: Machine, send: (bytes: Uint8Array) => void): GdbConnection {
  asOption('send', () => checkRequiredFunction(send, 'send'));
  const target = targetOf(machine);
  const leave = target.expectDebugger();
  const session = new GdbSession({
    target,
    send,
    monitor: machineMonitor({
      smmus: PARTS.get(machine)?.board.smmus ?? [],
      readRegister: (offset, size) =>
        machine.readRegister('smmuv3', offset, size) ??
        machine.readRegister('physical-smmuv3-0', offset, size),
      its: itsOf(machine),
      readRam: (gpa, length) => machine.readMemory(gpa, length),
    }),
    kill: () => {
      machine.stop('killed by the debugger').catch(() => undefined);
    },
  });
  const ended = ({ status, exitCode }: MachineEnd) =>
    session.ended(status === 'off' ? exitCode : undefined);
  const unlisten = machine.on('end', ended);
  if (['off', 'stopped', 'failed'].includes(machine.status))
    machine.wait().then(ended, () => undefined);
  return {
    get isOver() {
      return session.isOver;
    },
    receive(bytes) {
      session.receive(bytes);
      // A halted machine may have work to do now.
      PARTS.get(machine)?.board.machine.onInterrupt();
    },
    close() {
      unlisten();
      leave();
      // A machine that only waited for its debugger can end now.
      PARTS.get(machine)?.board.machine.onInterrupt();
      session.close();
    },
  };
}
