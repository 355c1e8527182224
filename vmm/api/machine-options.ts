// SPDX-License-Identifier: MIT
// Checks of a machine's options: plain ones by their schema, others by the functions that
// are called on them.

import * as v from 'valibot';
import type { DeviceFaults } from '../../devices/faults/index.ts';
import { allNamesOf } from '../../devices/plugin/known-names.ts';
import { OptionsError } from './api-errors.ts';
import type { MachineOptions } from './host-options.ts';
import {
  checkFunctions,
  checkInnerPlain,
  checkInterface,
  checkPlainOptions,
} from './option-checks.ts';
import { integer, MAX_COUNT, yesNo } from './option-values.ts';
import { MACHINE_SETTINGS, type MachineSettings } from './settings.ts';

const OTHERS = allNamesOf<Omit<MachineOptions, keyof MachineSettings>>({
  guest: true,
  secondary: true,
  board: true,
  devices: true,
  msis: true,
  onOutput: true,
  onTrace: true,
  faults: true,
});

const count = v.optional(integer(0, MAX_COUNT));
const FAULTS = {
  lostInterrupts: count,
  lateInterrupts: count,
  lateCons: count,
  tornProd: v.optional(yesNo),
  fetchAborts: count,
} satisfies Record<keyof DeviceFaults, v.GenericSchema>;

/**
 * @throws {OptionsError} when it is not a guest. TypeScript callers are checked by the
 *   types.
 */
function checkSource(name: 'guest' | 'secondary', source: unknown): void {
  if (typeof source === 'string' && source !== '') return;
  if (source instanceof URL || source instanceof Uint8Array || source instanceof ArrayBuffer)
    return;
  throw new OptionsError(
    'bad-option',
    name,
    `${name} must be a path, a URL or the bytes of a WebAssembly module` +
      (source === undefined ? ': it is missing' : ''),
  );
}

/**
 * Checks the options of a machine.
 * @returns those that are plain data.
 * @throws {OptionsError} for the first error.
 */
export function checkMachineOptions(options: MachineOptions): MachineSettings {
  const settings = checkPlainOptions(
    MACHINE_SETTINGS,
    options ?? {},
    OTHERS,
    'the options of a machine',
  );
  checkSource('guest', options?.guest);
  if (options.secondary !== undefined) checkSource('secondary', options.secondary);
  checkFunctions(options, ['onOutput', 'onTrace']);
  checkInnerPlain(options, 'faults', FAULTS);
  checkInterface(options, 'board', ['create']);
  for (const name of ['gpa', 'irq', 'devices'] as const)
    if (options.board !== undefined && !Number.isInteger(options.board.free?.[name]))
      throw new OptionsError('bad-option', 'board.free', `board.free.${name} must be an integer`);
  checkInterface(options, 'msis', ['send']);
  if (options.msis && !Array.isArray(options.msis.doorbells))
    throw new OptionsError(
      'bad-option',
      'msis.doorbells',
      'msis.doorbells must be a list of pages',
    );
  if (options.devices !== undefined && !Array.isArray(options.devices))
    throw new OptionsError('bad-option', 'devices', 'devices must be a list of devices');
  const { transport, overlay, queues, allowGc } = settings;
  if (allowGc && transport !== 'mailbox')
    throw new OptionsError(
      'bad-option',
      'allowGc',
      'allowGc needs transport mailbox: on the thread of the VMM a guest could fill its heap',
    );
  if (overlay && queues === 'ecmdq')
    throw new OptionsError(
      'bad-option',
      'queues',
      'queues must be vcmdq on the overlay path, which has the CMDQ alone',
    );
  return settings;
}
