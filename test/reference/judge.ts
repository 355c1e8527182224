// SPDX-License-Identifier: MIT
// Compares the reference and the real core on a point of the matrix.

import {
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../assembly/layout/access.ts';
import {
  SMMU_AT_CR2,
  SMMU_AT_IDR0,
  SMMU_AT_IDR1,
  SMMU_AT_IDR3,
  SMMU_AT_IDR5,
  SMMU_AT_STRTAB_BASE,
  SMMU_AT_STRTAB_CFG,
} from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { type Harness, RAM_GPA } from '../support/unit-harness.ts';
import { type ReferenceResult, type ReferenceSmmu, ReferenceWalker } from './reference-walker.ts';
import type { Access, Scenario, Shape } from './scenario.ts';

/**
 * S1P, S2P, AArch64, COHACC, HTTU 2, ATS, ASID16, VMID16, CD2L, terminate model, 2-level
 * stream tables.
 */
export const IDR0 = 0x0d4c349b;
/** SSIDSIZE 20, SIDSIZE 16. */
export const IDR1 = 0x014a0510;
/** OAS 48 and every granule. */
const IDR5 = 0x75;
/** OAS 52 bits, VAX. */
const IDR5_WIDE = 0x476;
/** The same, with DS. */
const IDR5_DS = 0x4f6;
/** HAD, FWB, RIL. */
export const IDR3 = 0x504;
const XNX = 0x10;
export const HYP = 0x200;
/** TTENDIAN 2; without this bit 0, mixed endianness. */
const LITTLE = 0x400000;
export const [E2H, RECINVSID] = [1, 2];

/** The address and format of the stream table. */
export interface StreamTable {
  readonly base: bigint;
  /** STRTAB_BASE_CFG. */
  readonly config: number;
  readonly sid: number;
  /** PA of the STE. */
  readonly ste: bigint;
  /** Other words of the table. */
  readonly words: ReadonlyMap<bigint, bigint>;
}

/** Linear, 256 entries. */
export const LINEAR: StreamTable = {
  base: 0x10000n,
  config: 8,
  sid: 5,
  ste: 0x10140n,
  words: new Map(),
};

export function prepare(h: Harness): void {
  h.set(SMMU_AT_IDR0, IDR0);
  h.set(SMMU_AT_IDR1, IDR1);
  h.set(SMMU_AT_IDR3, IDR3);
  h.set(SMMU_AT_CR2, RECINVSID);
}

// A unit's view of memory: host RAM in window 0, the guest's RAM in window 1.
function place(h: Harness, pa: bigint): [DataView, number] | undefined {
  const [window, address] = [pa >> 32n, Number(pa & 0xffff_ffffn)];
  if (window === 0n && address + 8 <= h.hostBytes.byteLength - h.ramBase)
    return [h.hostBytes, h.ramBase + address];
  if (window === 1n && address >= RAM_GPA + 0x100000 && address + 8 <= RAM_GPA + 0x800000)
    return [h.guestBytes, address - RAM_GPA];
  return undefined;
}

function read(h: Harness, pa: bigint): bigint | undefined {
  const [view, at] = place(h, pa) ?? [];
  return view?.getBigUint64(at ?? 0, true);
}

function write(h: Harness, pa: bigint, value: bigint): void {
  const [view, at] = place(h, pa) ?? [];
  view?.setBigUint64(at ?? 0, value, true);
}

const hex = (value: bigint | undefined) =>
  value === undefined ? 'none' : `0x${value.toString(16)}`;

// The fields of a record that the reference defines, in one line.
function recordOf(
  id: number,
  stage2: boolean,
  kind: number | undefined,
  address: bigint | undefined,
): string {
  return id === 0
    ? 'no record'
    : `event ${id}${stage2 ? ' of stage 2' : ''}, class ${kind ?? 0}, address ${hex(address ?? 0n)}`;
}

function expected(result: ReferenceResult): string {
  if (result.pa !== undefined) return `PA ${hex(result.pa)}`;
  return recordOf(result.event, result.stage2, result.class, result.ipa ?? result.fetchAddress);
}

function actual(h: Harness, status: number, pa: bigint): string {
  if (status === TRANSLATE_OK) return `PA ${hex(pa)}`;
  const { event } = h.unit.threadBlock;
  const word = (i: number) => event[i] ?? 0;
  const address = (BigInt(word(7)) << 32n) | BigInt(word(6));
  return recordOf(word(0) & 0xff, (word(3) & 0x80) !== 0, (word(3) >>> 8) & 3, address);
}

/**
 * The result of an access, and the difference between the two models: undefined when they
 * agree.
 */
export interface Verdict {
  readonly event: number;
  readonly difference?: string;
}

/** IDR5 of the SMMU of a shape. */
export function idr5Of({ wide = false, ds = false }: Shape): number {
  if (ds) return IDR5_DS;
  return wide ? IDR5_WIDE : IDR5;
}

/** IDR0, IDR3 and CR2 of the SMMU of a shape. */
function registersOf({ world }: Shape): { idr0: number; idr3: number; cr2: number } {
  if (world === undefined) return { idr0: IDR0, idr3: IDR3, cr2: RECINVSID };
  return {
    idr0: (IDR0 | HYP) & ~LITTLE,
    idr3: IDR3 | XNX,
    cr2: RECINVSID | (world === 'EL2-E2H' ? E2H : 0),
  };
}

// The reference's result of an access.
function ask(
  readWord: (pa: bigint) => bigint | undefined,
  scenario: Scenario,
  access: Access,
  table: StreamTable,
): ReferenceResult {
  const { ssid } = scenario.shape;
  const { idr0, idr3, cr2 } = registersOf(scenario.shape);
  const smmu: ReferenceSmmu = {
    idr0: BigInt(idr0),
    idr1: BigInt(IDR1),
    idr3: BigInt(idr3),
    e2h: (cr2 & E2H) !== 0,
    idr5: BigInt(idr5Of(scenario.shape)),
    strtabBase: table.base,
    strtabCfg: BigInt(table.config),
    recinvsid: true,
  };
  return ReferenceWalker.translate(smmu, readWord, {
    sid: BigInt(table.sid),
    address: scenario.address,
    ...access,
    ...(ssid === undefined ? {} : { ssid }),
  });
}

/** The reference's result of an access to a scenario that is not in memory. */
export function referenceOf(scenario: Scenario, access: Access): ReferenceResult {
  const ste = new Map(scenario.ste.map((word, i) => [LINEAR.ste + BigInt(8 * i), word]));
  const { encoded } = scenario;
  return ask((pa) => ste.get(pa) ?? encoded.get(pa) ?? 0n, scenario, access, LINEAR);
}

export function judge(
  h: Harness,
  scenario: Scenario,
  access: Access,
  table: StreamTable = LINEAR,
): Verdict {
  const { ssid } = scenario.shape;
  h.set(SMMU_AT_IDR5, idr5Of(scenario.shape));
  const { idr0, idr3, cr2 } = registersOf(scenario.shape);
  h.set(SMMU_AT_IDR0, idr0);
  h.set(SMMU_AT_IDR3, idr3);
  h.set(SMMU_AT_CR2, cr2);
  h.hostBytes.setBigUint64(h.smmu + SMMU_AT_STRTAB_BASE, table.base, true);
  h.set(SMMU_AT_STRTAB_CFG, table.config);
  const words = new Map([
    ...scenario.encoded,
    ...table.words,
    ...scenario.ste.map((word, i) => [table.ste + BigInt(8 * i), word] as const),
  ]);
  for (const [pa, value] of words) write(h, pa, value);
  // CFGI_ALL and TLBI_NSNH_ALL.
  h.mainCommand(0x04n, 31n);
  h.mainCommand(0x30n);

  const reference = ask((pa) => read(h, pa), scenario, access, table);
  const attributes =
    (access.write ? ACCESS_WRITE : 0) |
    (access.privileged ? ACCESS_PRIVILEGED : 0) |
    (access.instruction ? ACCESS_INSTRUCTION : 0);
  const translate = () =>
    h.translate(table.sid, scenario.address, attributes, ssid === undefined ? -1 : Number(ssid));
  const first = translate();
  const differences: string[] = [];
  const [want, got] = [expected(reference), actual(h, first.status, first.pa)];
  if (want !== got) differences.push(`${got} instead of ${want}`);
  if (reference.pa !== undefined) {
    for (const [pa, value] of words) {
      const should = reference.updates.get(pa) ?? value;
      if (read(h, pa) !== should)
        differences.push(`${hex(pa)} is ${hex(read(h, pa))} instead of ${hex(should)}`);
    }
  }
  // A second time, perhaps from the IOTLB now.
  const second = translate();
  if (actual(h, second.status, second.pa) !== got)
    differences.push(`${actual(h, second.status, second.pa)} the second time`);
  for (const pa of words.keys()) write(h, pa, 0n);
  h.events();
  return {
    event: reference.pa === undefined ? reference.event : -1,
    ...(differences.length > 0 ? { difference: differences.join('; ') } : {}),
  };
}
