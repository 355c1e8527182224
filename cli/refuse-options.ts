// SPDX-License-Identifier: MIT
// Options of `vsmmu boot` that mean nothing to a kind of guest.

import { BOOT_SETTINGS, type BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';
import { flagName } from './flags.ts';

/** @throws {UsageError} when one of them is given: its flag, and why not. */
export function refuseOptions(
  settings: BootSettings,
  names: readonly (keyof BootSettings)[],
  why: string,
): void {
  const given = names.find((name) => settings[name] !== undefined);
  if (given !== undefined) throw new UsageError(`${flagName(given, BOOT_SETTINGS[given])} ${why}`);
}
