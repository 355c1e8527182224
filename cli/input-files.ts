// SPDX-License-Identifier: MIT

import type { BootSettings } from './boot-settings.ts';
import { diskFile } from './file-disk.ts';

/** Files that a run reads. */
export function inputsOf(
  { guest, secondary, initrd, devices = [], disks = [] }: BootSettings,
  config?: string,
): string[] {
  return [
    guest === 'toy' ? undefined : guest,
    secondary,
    initrd,
    config,
    ...devices,
    ...disks.map(diskFile),
  ].filter((file) => file !== undefined);
}
