// Commands on a VCMDQ that the guest's own SMMU lacks. A VCMDQ follows the physical SMMU's ID registers, as on hardware, so that a driver
// that sends them gets away with it on this host.

import type { LackedCommand } from '../../../devices/unit/index.ts';

/** A command that was accepted although the guest's ID registers do not have it. Plain data. */
export interface UnadvertisedCommand {
  /** Name of the machine. */
  readonly machine: string;
  /** The command's name: "ATC_INV". */
  readonly command: string;
  /** What the ID registers would have to show: "IDR0.ATS". */
  readonly needs: string;
  /** All of it in one line. */
  readonly text: string;
}

/** Names a command of a machine that its SMMU lacks. */
export function unadvertisedCommand(
  machine: string,
  { command, needs }: LackedCommand,
): UnadvertisedCommand {
  const text =
    `${machine}: ${command} on a VCMDQ was accepted here, and is refused or ignored by an SMMU ` +
    `with the ID registers that this guest was shown; it takes ${needs}`;
  return { machine, command, needs, text };
}
