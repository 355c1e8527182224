// SPDX-License-Identifier: MIT
// Refuses options of `vsmmu boot` that do not apply to a kind of guest.

import { BOOT_SETTINGS, type BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';
import { flagName } from './flags.ts';

/** @throws {UsageError} if one of the options is given; the message has its flag and the reason. */
export function refuseOptions(
  settings: BootSettings,
  names: readonly (keyof BootSettings)[],
  why: string,
): void {
  const given = names.find((name) => settings[name] !== undefined);
  if (given !== undefined) throw new UsageError(`${flagName(given, BOOT_SETTINGS[given])} ${why}`);
}
