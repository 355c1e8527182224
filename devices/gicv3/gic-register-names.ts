// SPDX-License-Identifier: MIT
// Names of the GIC's registers, for statistics and traces.

import {
  GIC_ICACTIVER,
  GIC_ICENABLER,
  GIC_ICFGR,
  GIC_ICPENDR,
  GIC_IDENTIFICATION,
  GIC_IGROUPR,
  GIC_IPRIORITYR,
  GIC_ISACTIVER,
  GIC_ISENABLER,
  GIC_ISPENDR,
  GICD_CTLR,
  GICD_IIDR,
  GICD_IROUTER,
  GICD_TYPER,
  GICR_CTLR,
  GICR_IIDR,
  GICR_PENDBASER,
  GICR_PROPBASER,
  GICR_SGI_FRAME,
  GICR_TYPER,
  GICR_WAKER,
} from '../../assembly/layout/gic-registers.ts';
import {
  GITS_BASER,
  GITS_CBASER,
  GITS_CREADR,
  GITS_CTLR,
  GITS_CWRITER,
  GITS_IIDR,
  GITS_TRANSLATER,
  GITS_TRANSLATION_FRAME,
  GITS_TYPER,
} from '../../assembly/layout/its-registers.ts';

/** First offset, size of the bank in bytes, bytes per register, name. */
const BANKS: readonly (readonly [at: number, size: number, stride: number, name: string])[] = [
  [GIC_IGROUPR, 0x80, 4, 'IGROUPR'],
  [GIC_ISENABLER, 0x80, 4, 'ISENABLER'],
  [GIC_ICENABLER, 0x80, 4, 'ICENABLER'],
  [GIC_ISPENDR, 0x80, 4, 'ISPENDR'],
  [GIC_ICPENDR, 0x80, 4, 'ICPENDR'],
  [GIC_ISACTIVER, 0x80, 4, 'ISACTIVER'],
  [GIC_ICACTIVER, 0x80, 4, 'ICACTIVER'],
  [GIC_IPRIORITYR, 0x400, 4, 'IPRIORITYR'],
  [GIC_ICFGR, 0x100, 4, 'ICFGR'],
];
const ROUTER = [GICD_IROUTER, 0x2000, 8, 'IROUTER'] as const;

const DISTRIBUTOR = new Map([
  [GICD_CTLR, 'CTLR'],
  [GICD_TYPER, 'TYPER'],
  [GICD_IIDR, 'IIDR'],
]);
const REDISTRIBUTOR = new Map([
  [GICR_CTLR, 'CTLR'],
  [GICR_IIDR, 'IIDR'],
  [GICR_TYPER, 'TYPER'],
  [GICR_WAKER, 'WAKER'],
  [GICR_PROPBASER, 'PROPBASER'],
  [GICR_PENDBASER, 'PENDBASER'],
]);
const ITS = new Map([
  [GITS_CTLR, 'CTLR'],
  [GITS_IIDR, 'IIDR'],
  [GITS_TYPER, 'TYPER'],
  [GITS_CBASER, 'CBASER'],
  [GITS_CWRITER, 'CWRITER'],
  [GITS_CREADR, 'CREADR'],
  [GITS_TRANSLATION_FRAME + GITS_TRANSLATER, 'TRANSLATER'],
]);
const ITS_TABLES = [GITS_BASER, 0x40, 8, 'BASER'] as const;
const IDENTIFICATION = [4, 5, 6, 7, 0, 1, 2, 3];

function bankedName(offset: number, banks: typeof BANKS): string | undefined {
  const bank = banks.find(([at, size]) => offset >= at && offset < at + size);
  return bank && `${bank[3]}${Math.floor((offset - bank[0]) / bank[2])}`;
}

function identificationName(offset: number): string | undefined {
  const index = Math.floor((offset - GIC_IDENTIFICATION) / 4);
  if (index < 0 || index >= 12) return undefined;
  return index < 8 ? `PIDR${IDENTIFICATION[index]}` : `CIDR${index - 8}`;
}

/** Names in each frame of a GIC, by the offset of the word. */
const NAMES = {
  GICD: (word: number) => DISTRIBUTOR.get(word) ?? bankedName(word, [...BANKS, ROUTER]),
  GICR: (word: number) =>
    word >= GICR_SGI_FRAME ? bankedName(word - GICR_SGI_FRAME, BANKS) : REDISTRIBUTOR.get(word),
  GITS: (word: number) => ITS.get(word) ?? bankedName(word, [ITS_TABLES]),
};

/**
 * Name of the register at an offset; undefined when there is none.
 * @param offset in the distributor, in the frames of one redistributor, or in those of
 *   the ITS.
 */
export function gicRegisterName(frame: keyof typeof NAMES, offset: number): string | undefined {
  const word = offset & ~3;
  const name = NAMES[frame](word) ?? identificationName(offset);
  return name && `${frame}_${name}`;
}
