// SPDX-License-Identifier: MIT
// GDB at a machine, by whatever carries its bytes.

import { GicIts } from '../../devices/gicv3/index.ts';
import { checkRequiredFunction } from '../../devices/plugin/index.ts';
import { GdbSession, machineMonitor } from '../gdb/index.ts';
import type { DebugTarget } from '../vcpu/index.ts';
import { asOption, OptionsError, UseError } from './api-errors.ts';
import { Machine } from './machine.ts';
import { PARTS } from './machine-parts.ts';
import type { MachineEnd } from './machine-types.ts';

/** A debugger that is connected with a machine. */
export interface GdbConnection {
  /** The debugger has detached, or killed the machine: nothing more comes. */
  readonly isOver: boolean;
  /** Takes bytes that the debugger has sent, however they are cut. */
  receive(bytes: Uint8Array): void;
  /** The debugger is gone: its breakpoints go, and the machine goes on. */
  close(): void;
}

/**
 * What GDB works.
 * @throws {OptionsError} when it is no machine.
 * @throws {UseError} when it cannot work the machine.
 */
export function targetOf(machine: Machine): DebugTarget {
  if (!(machine instanceof Machine))
    throw new OptionsError('bad-option', 'machine', 'machine must be a Machine of createMachine');
  const target = PARTS.get(machine)?.board.debug;
  if (target) return target;
  const message = `${machine.name} is no machine of the board virt: GDB cannot work its vCPUs`;
  throw new UseError('no-debugger', message);
}

/** The ITS of a machine; undefined where it has none. */
function itsOf(machine: Machine): GicIts | undefined {
  const { placements = [] } = PARTS.get(machine)?.board.machine.devices ?? {};
  return placements.map(({ device }) => device).find((device) => device instanceof GicIts);
}

/**
 * Halts a machine of the board `virt` until a debugger lets it go on; one that has not been booted, at its first
 * instruction.
 * @throws {OptionsError} when it is no machine.
 * @throws {UseError} when GDB cannot work the machine.
 */
export function haltForGdb(machine: Machine): void {
  targetOf(machine).halt();
}

/**
 * Connects a debugger that speaks the GDB Remote Serial Protocol with a machine of the board `virt`, and halts
 * the machine. There is one debugger at a time.
 * @param send takes bytes for the debugger, in order.
 * @throws {OptionsError} when the machine is none, or `send` no function.
 * @throws {UseError} when GDB cannot work the machine.
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
      // A machine that was halted may have something to do.
      PARTS.get(machine)?.board.machine.onInterrupt();
    },
    close() {
      unlisten();
      leave();
      // A machine that has only waited for its debugger is over.
      PARTS.get(machine)?.board.machine.onInterrupt();
      session.close();
    },
  };
}
