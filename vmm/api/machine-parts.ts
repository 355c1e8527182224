// SPDX-License-Identifier: MIT
// Parts of a machine that the API's host provides.

import { offsetOfGpa } from '../../devices/bus/index.ts';
import { shownValue } from '../../devices/plugin/known-names.ts';
import { checkInteger } from '../../devices/plugin/known-values.ts';
import { multipleOf, nonEmpty, type OptionKind } from '../../devices/plugin/option-kinds.ts';
import type { BoardMachine } from '../boards/index.ts';
import {
  amdFootprint,
  type MachineFootprint,
  machineFootprint,
  type SmmuCounters,
} from '../inspect/index.ts';
import type { CoreEnd } from '../machine/index.ts';
import { asOption } from './api-errors.ts';
import type { InputQueue } from './console-streams.ts';
import type { Drains } from './drains.ts';
import type { Emitter } from './emitter.ts';
import type { IdleWait } from './idle-wait.ts';
import type { MachineEnd, MachineEvents, MachineStatistics } from './machine-types.ts';

/** What a machine's host keeps for it. */
export interface MachineParts {
  readonly board: BoardMachine;
  readonly drains: Drains;
  readonly events: Emitter<MachineEvents>;
  readonly input: InputQueue;
  /**
   * The wait of the loop that runs it, which interrupts, input and a stop end. Machines
   * of one loop share one.
   */
  idleWait: IdleWait;
  smmu(): SmmuCounters;
  /** Called when the machine has ended: its guest sends no more commands. */
  ended(): void;
  /** Called when the machine was destroyed. */
  forget(): void;
  /** An error of a boot, with the name of the binary that caused it. */
  named(error: unknown): unknown;
}

/** The end of a machine in the form that its user gets. */
export function machineEnd(core: CoreEnd): MachineEnd {
  const { status } = core;
  if (status === 'off') return { status, exitCode: core.exitCode, reason: '' };
  if (status === 'stopped') return { status, exitCode: 0, reason: core.reason };
  return { status, exitCode: 0, reason: core.error.message, error: core.error };
}

/** Everything of a machine that another machine must not be able to change. */
export function boardFootprint({ machine, smmus, amd }: BoardMachine): MachineFootprint {
  if (amd) return amdFootprint(machine.memory, amd);
  return machineFootprint(machine.memory, smmus, machine.drainSleep?.sleeping);
}

const registerSize: OptionKind = (value, owner, name) => {
  if (value !== 4 && value !== 8)
    throw new RangeError(`${owner}: ${name} must be 4 or 8, not ${shownValue(value)}`);
};

/** A register in the form that `Machine.readRegister` returns. */
export function readBoardRegister(
  { machine }: BoardMachine,
  device: string,
  offset: number,
  size: 4 | 8,
): { readonly lo: number; readonly hi: number } | undefined {
  const { mounts } = machine.devices.bus;
  asOption('device', () => nonEmpty(device, 'readRegister', 'device'));
  const mount = mounts.find((one) => one.device.name === device && one.region === 0);
  const most = (mount?.device.regions[0]?.size ?? 2 ** 32) - 1;
  asOption('size', () => registerSize(size, 'readRegister', 'size'));
  asOption('offset', () => multipleOf(size, 0, most)(offset, 'readRegister', 'offset'));
  if (!mount) return undefined;
  const access = { region: 0, offset, size, lo: 0, hi: 0, vcpu: 0 };
  mount.device.read(access);
  return { lo: access.lo, hi: access.hi };
}

/** A copy of guest RAM in the form that `Machine.readMemory` returns. */
export function readBoardMemory(
  { machine }: BoardMachine,
  gpa: number,
  length: number,
): Uint8Array<ArrayBuffer> | undefined {
  asOption('gpa', () => checkInteger(gpa, 0, 2 ** 64, 'readMemory: gpa'));
  asOption('length', () => checkInteger(length, 0, 2 ** 64, 'readMemory: length'));
  const offset = offsetOfGpa(machine.regions, gpa, length);
  return offset < 0 ? undefined : new Uint8Array(machine.memory.buffer, offset, length).slice();
}

/** The parts of machines, for functions that are not methods of a machine. */
export const PARTS = new WeakMap<object, MachineParts>();

/** Counters of a machine so far. */
export function machineStatistics(parts: MachineParts): MachineStatistics {
  const { board, drains } = parts;
  const { machine } = board;
  const { importCalls } = machine.exits;
  const { direct = [] } = board.drainable ?? {};
  const { amd } = board;
  const counts = amd
    ? [amd.block.queue.counts]
    : direct.flatMap(({ queues }) => queues.map((queue) => queue.counts));
  const rung = [...direct.map(({ context }) => context), ...(amd ? [amd.block] : [])];
  return {
    timeNs: machine.clock.nowNs(),
    exits: machine.exitStatistics,
    ...(importCalls && {
      imports: {
        total: importCalls.total,
        duringDirect: importCalls.duringDirect,
        duringCmdq: importCalls.duringCmdq,
      },
    }),
    vcmdq: {
      queues: counts.length,
      commands: counts.reduce((sum, { commands }) => sum + commands, 0),
      syncs: counts.reduce((sum, { syncs }) => sum + syncs, 0),
      rewrites: counts.reduce((sum, { rewrites }) => sum + rewrites, 0),
      doorbellCalls: rung.reduce((sum, { doorbellCalls }) => sum + doorbellCalls, 0),
    },
    drain: drains.report(board),
    smmu: parts.smmu(),
  };
}
