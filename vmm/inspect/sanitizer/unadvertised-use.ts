// SPDX-License-Identifier: MIT
// Features that a guest uses although its own SMMU, by the ID registers that it sees,
// lacks them. VCMDQs, CDs and translation tables depend on the registers of the physical
// SMMU, as on hardware, so that such a driver works on this host only by chance.

import {
  SHOWN_ASID16,
  SHOWN_DS,
  SHOWN_GRAN4K,
  SHOWN_GRAN16K,
  SHOWN_GRAN64K,
  SHOWN_HAD,
  SHOWN_HTTU,
  SHOWN_OAS,
  SHOWN_STALL_MODEL,
  SHOWN_TERM_MODEL,
  SHOWN_TTENDIAN,
  SHOWN_VAX,
} from '../../../assembly/layout/shown-fields.ts';
import { lackedCommands } from '../../../devices/unit/index.ts';
import type { BeyondShown } from '../inspected.ts';

/**
 * A use that was accepted although the guest's ID registers do not advertise it. Plain
 * data.
 */
export interface UnadvertisedUse {
  /** Name of the machine. */
  readonly machine: string;
  /** What was used: "ATC_INV on a VCMDQ", "a CD", "a translation table". */
  readonly use: string;
  /** What the ID registers would have to advertise: "IDR0.ATS". */
  readonly needs: string;
  /** All of it in one line. */
  readonly text: string;
}

/** By SHOWN_* bit. */
const NEEDS: ReadonlyMap<number, string> = new Map([
  [SHOWN_HTTU, 'a larger IDR0.HTTU'],
  [SHOWN_ASID16, 'IDR0.ASID16'],
  [SHOWN_TTENDIAN, 'IDR0.TTENDIAN 0'],
  [SHOWN_STALL_MODEL, 'IDR0.STALL_MODEL other than 1'],
  [SHOWN_TERM_MODEL, 'IDR0.TERM_MODEL 0'],
  [SHOWN_HAD, 'IDR3.HAD'],
  [SHOWN_OAS, 'a larger IDR5.OAS'],
  [SHOWN_GRAN4K, 'IDR5.GRAN4K'],
  [SHOWN_GRAN16K, 'IDR5.GRAN16K'],
  [SHOWN_GRAN64K, 'IDR5.GRAN64K'],
  [SHOWN_DS, 'IDR5.DS'],
  [SHOWN_VAX, 'IDR5.VAX'],
]);

/** What the registers would have to advertise, by SHOWN_* bits. */
function needsOf(beyond: number): string[] {
  return [...NEEDS].filter(([shown]) => beyond & (1 << shown)).map(([, needs]) => needs);
}

function unadvertisedUse(machine: string, use: string, needs: string): UnadvertisedUse {
  const text =
    `${machine}: ${use} was accepted here, and is refused or ignored by an SMMU ` +
    `with the ID registers that this guest was shown; it takes ${needs}`;
  return { machine, use, needs, text };
}

/** The uses by a machine since `known`. */
export function unadvertisedUses(
  machine: string,
  beyond: BeyondShown,
  known: BeyondShown,
): UnadvertisedUse[] {
  return [
    ...lackedCommands(beyond.commands & ~known.commands).map(({ command, needs }) =>
      unadvertisedUse(machine, `${command} on a VCMDQ`, needs),
    ),
    ...needsOf(beyond.cds & ~known.cds).map((needs) => unadvertisedUse(machine, 'a CD', needs)),
    ...needsOf(beyond.tables & ~known.tables).map((needs) =>
      unadvertisedUse(machine, 'a translation table', needs),
    ),
  ];
}
