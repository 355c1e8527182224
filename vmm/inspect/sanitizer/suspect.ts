// SPDX-License-Identifier: MIT
// A suspect in the format of the checked SMMU core (assembly/layout/check-memory.ts): a
// hit on a cached entry that differs from memory.

import {
  SUSPECT_ASID_PERM,
  SUSPECT_CD,
  SUSPECT_CDS,
  SUSPECT_CONFIG,
  SUSPECT_GEN,
  SUSPECT_INDEX,
  SUSPECT_IOVA,
  SUSPECT_KIND,
  SUSPECT_KNOWN,
  SUSPECT_LEVEL1,
  SUSPECT_LEVEL1_ADDRESS,
  SUSPECT_LEVEL1_NOW,
  SUSPECT_LEVEL1_OLD,
  SUSPECT_META,
  SUSPECT_NEW_CD,
  SUSPECT_NEW_PA,
  SUSPECT_NEW_PERM,
  SUSPECT_NEW_STE,
  SUSPECT_NOW,
  SUSPECT_OLD,
  SUSPECT_OLD_CD,
  SUSPECT_OLD_OUTCOME,
  SUSPECT_OLD_STE,
  SUSPECT_OUTCOME,
  SUSPECT_PA,
  SUSPECT_PAGE,
  SUSPECT_READING,
  SUSPECT_READING_LEVEL1,
  SUSPECT_READING_NO_CFGI,
  SUSPECT_SECOND,
  SUSPECT_SHADOW,
  SUSPECT_SHADOW_LEAF,
  SUSPECT_SHADOW_TABLE,
  SUSPECT_SID,
  SUSPECT_SLOT,
  SUSPECT_SSID,
  SUSPECT_STAGE2,
  SUSPECT_STE,
} from '../../../assembly/layout/check-memory.ts';
import { CFG_NO_SSID } from '../../../assembly/layout/config-cache-memory.ts';
import { LEVEL1_OF_CDS } from '../../../assembly/layout/shadow-memory.ts';

/** Fields of every suspect. */
interface CommonSuspect {
  readonly sid: number;
  readonly ssid: number | undefined;
  /** Index of the entry in its cache. */
  readonly index: number;
  /** The address of the access. */
  readonly iova: bigint;
  /** The current result of the tables: 0, an event ID, or SUSPECT_ABORTS. */
  readonly outcome: number;
  /** Distinguishes the entry from a later one in its place. */
  readonly generation: bigint;
  readonly second: bigint;
}

export interface TranslationSuspect extends CommonSuspect {
  readonly kind: 'IOTLB';
  /**
   * Set for a leaf or table that is not in the IOTLB, but that an SMMU may still have.
   * `index` is then that of the shadow.
   */
  readonly shadow: 'leaf' | 'table' | undefined;
  readonly meta: number;
  readonly asidPerm: number;
  readonly page: bigint;
  readonly pa: bigint;
  /** STE.Config after S1DSS. */
  readonly config: number;
  /** The tables of stage 2 have changed, not those of stage 1. */
  readonly stage2: boolean;
  readonly newPa: bigint;
  readonly newPermissions: number;
  /** The leaf descriptor, if that has changed. */
  readonly leaf:
    | { readonly address: bigint; readonly old: bigint; readonly now: bigint }
    | undefined;
}

/**
 * A structure as the cache read it, if known, and as it is now: eight doublewords each.
 */
export interface StructureChange {
  readonly old: readonly bigint[] | undefined;
  readonly now: readonly bigint[];
}

export interface ConfigSuspect extends CommonSuspect {
  readonly kind: 'STE' | 'CD';
  /** For two readings, instead of a cached entry. */
  readonly readings: Readings | undefined;
  readonly ste: StructureChange;
  readonly cd: StructureChange;
  /** A level-1 descriptor that has changed too. */
  readonly level1: Level1Change | undefined;
  /** Only that has changed: `index` is that of its slot in the shadow. */
  readonly level1Alone: boolean;
}

/**
 * A level-1 descriptor of a stream table or a CD table that differs from the one that an
 * SMMU may have cached.
 */
export interface Level1Change {
  readonly of: 'STE' | 'CD';
  /** For CDs, the address before stage 2. */
  readonly address: bigint;
  readonly old: bigint;
  readonly now: bigint;
}

/** Two readings of a stream's configuration. */
export interface Readings {
  /** Number of CFGI commands between them. */
  readonly cfgis: 0 | 1;
  /** Result of the first: 0 for a configuration, an event ID, or SUSPECT_ABORTS. */
  readonly before: number;
  /** Both have a CD. */
  readonly cds: boolean;
}

export type Suspect = TranslationSuspect | ConfigSuspect;

const STRUCTURE_DOUBLEWORDS = 8;
const SHADOWS: ReadonlyMap<number, 'leaf' | 'table'> = new Map([
  [SUSPECT_SHADOW_LEAF, 'leaf'],
  [SUSPECT_SHADOW_TABLE, 'table'],
]);

/** Decodes a suspect; `view` is of host memory, from the slot of the ring on. */
export function readSuspect(view: DataView): Suspect {
  const u32 = (offset: number) => view.getUint32(offset, true);
  const u64 = (offset: number) => view.getBigUint64(offset, true);
  const known = u32(SUSPECT_KNOWN) !== 0;
  const ssid = u32(SUSPECT_SSID);
  const common = {
    sid: u32(SUSPECT_SID),
    ssid: ssid === CFG_NO_SSID ? undefined : ssid,
    index: u32(SUSPECT_INDEX),
    iova: u64(SUSPECT_IOVA),
    outcome: u32(SUSPECT_OUTCOME),
    generation: u64(SUSPECT_GEN),
    second: u64(SUSPECT_SECOND),
  };
  const kind = u32(SUSPECT_KIND);
  if (kind === SUSPECT_STE || kind === SUSPECT_CD) {
    const structure = (offset: number) =>
      Array.from({ length: STRUCTURE_DOUBLEWORDS }, (_, i) => u64(offset + 8 * i));
    const reading = u32(SUSPECT_READING);
    const level1Alone = reading === SUSPECT_READING_LEVEL1;
    const level1 = u32(SUSPECT_LEVEL1);
    const readings: Readings | undefined =
      reading === 0 || level1Alone
        ? undefined
        : {
            cfgis: reading === SUSPECT_READING_NO_CFGI ? 0 : 1,
            before: u32(SUSPECT_OLD_OUTCOME),
            cds: u32(SUSPECT_CDS) !== 0,
          };
    return {
      ...common,
      kind: kind === SUSPECT_STE ? 'STE' : 'CD',
      readings,
      ste: { old: known ? structure(SUSPECT_OLD_STE) : undefined, now: structure(SUSPECT_NEW_STE) },
      cd: { old: known ? structure(SUSPECT_OLD_CD) : undefined, now: structure(SUSPECT_NEW_CD) },
      level1Alone,
      level1:
        level1 === 0
          ? undefined
          : {
              of: level1 === LEVEL1_OF_CDS ? 'CD' : 'STE',
              address: u64(SUSPECT_LEVEL1_ADDRESS),
              old: u64(SUSPECT_LEVEL1_OLD),
              now: u64(SUSPECT_LEVEL1_NOW),
            },
    };
  }
  return {
    ...common,
    kind: 'IOTLB',
    shadow: SHADOWS.get(u32(SUSPECT_SHADOW)),
    meta: u32(SUSPECT_META),
    asidPerm: u32(SUSPECT_ASID_PERM),
    page: u64(SUSPECT_PAGE),
    pa: u64(SUSPECT_PA),
    config: u32(SUSPECT_CONFIG),
    stage2: u32(SUSPECT_STAGE2) !== 0,
    newPa: u64(SUSPECT_NEW_PA),
    newPermissions: u32(SUSPECT_NEW_PERM),
    leaf: known
      ? { address: u64(SUSPECT_SLOT), old: u64(SUSPECT_OLD), now: u64(SUSPECT_NOW) }
      : undefined,
  };
}
