// SPDX-License-Identifier: MIT
// Output of GDB's `monitor` commands about a machine's SMMU and ITS.

import { CD_SIZE, CD_V } from '../../assembly/layout/cd.ts';
import {
  SMMU_IDR1,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
} from '../../assembly/layout/smmu-registers.ts';
import {
  STE_CONFIG,
  STE_CONFIG_BYPASS,
  STE_S1CDMAX,
  STE_SIZE,
  STE_V,
} from '../../assembly/layout/ste.ts';
import { decodeCd, decodedText, decodeSte } from '../../devices/decode/index.ts';
import type { InspectedIts } from '../../devices/gicv3/index.ts';
import { fieldOf } from '../../devices/plugin/index.ts';
import { locateCd } from '../../devices/smmuv3/stream-table/guest-cd.ts';
import { locateSte } from '../../devices/smmuv3/stream-table/locate-ste.ts';
import { streamTableShape } from '../../devices/smmuv3/table-shapes.ts';
import { guestStructure } from '../../devices/tables/guest-structure.ts';
import type { GuestSmmu } from '../inspect/index.ts';
import { itsText } from './its-text.ts';
import { iotlbText, queuesText } from './smmu-text.ts';
import { stage1Tables, stage2Tables, stagesOf } from './stream-config.ts';
import { type TableLoad, type WalkResult, walkTables } from './table-walk.ts';

/** The data for the commands. Reading it changes nothing. */
export interface MonitorSubject {
  readonly smmus: readonly GuestSmmu[];
  /**
   * A register of the guest's SMMU as the guest reads it; undefined when there is none.
   */
  readRegister(
    offset: number,
    size: 4 | 8,
  ): { readonly lo: number; readonly hi: number } | undefined;
  /** The ITS of the machine; undefined when there is none. */
  readonly its?: { inspect(): InspectedIts } | undefined;
  /** RAM of the machine; undefined outside RAM. */
  readRam(gpa: number, length: number): Uint8Array | undefined;
}

/** Why there is nothing to print, in one line. */
class Missing extends Error {}

const hex = (value: bigint | number) => `0x${value.toString(16)}`;

/** A number in decimal or hexadecimal. @throws {Missing} when it is not one. */
function numberIn(text: string | undefined, what: string, most: bigint): bigint {
  const isNumber = text !== undefined && /^(0x[0-9a-f]{1,16}|[0-9]{1,19})$/i.test(text);
  const value = isNumber ? BigInt(text) : -1n;
  if (value < 0n || value > most) throw new Missing(`${what}: a number up to ${hex(most)}`);
  return value;
}

const MAX_SID = 0xffffffffn;
const MAX_SSID = 0xfffffn;
const MAX_ADDRESS = 0xffff_ffff_ffff_ffffn;

class Monitor {
  readonly #subject: MonitorSubject;

  constructor(subject: MonitorSubject) {
    this.#subject = subject;
  }

  readonly #load64: TableLoad = (address) => {
    const bytes = this.#subject.readRam(address, 8);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  };

  #register(offset: number, size: 4 | 8) {
    const value = this.#subject.readRegister(offset, size);
    if (!value) throw new Missing('the machine has no SMMUv3');
    return value;
  }

  /** Address and contents of a stream's STE. */
  #ste(sid: bigint): { readonly address: number; readonly words: Uint32Array } {
    const { lo, hi } = this.#register(SMMU_STRTAB_BASE, 8);
    const config = this.#register(SMMU_STRTAB_BASE_CFG, 4).lo;
    const shape = streamTableShape(lo, hi, config, this.#register(SMMU_IDR1, 4).lo);
    const address = locateSte(shape, Number(sid), this.#load64);
    if (typeof address !== 'number')
      throw new Missing(`StreamID ${hex(sid)} has no STE: the stream table does not reach it`);
    const words = guestStructure({ load64: this.#load64 }, address, STE_SIZE);
    if (!words) throw new Missing(`there is no RAM at ${hex(address)}, where its STE would be`);
    return { address, words };
  }

  /** Translates an IPA by stage 2, if the STE has one. */
  #physical(ste: Uint32Array, ipa: bigint, say: (line: string) => void): WalkResult {
    if (!stagesOf(ste).two) return { output: ipa };
    const tables = stage2Tables(ste, ipa);
    return 'why' in tables ? tables : walkTables(tables, ipa, this.#load64, say);
  }

  /** Reads from the address space of stage 1's structures. */
  #load64Of(ste: Uint32Array): TableLoad {
    return (ipa) => {
      const found = this.#physical(ste, BigInt(ipa), () => undefined);
      return 'why' in found ? undefined : this.#load64(Number(found.output));
    };
  }

  #cd(ste: Uint32Array, ssid: bigint): { readonly address: number; readonly words: Uint32Array } {
    if (!stagesOf(ste).one) throw new Missing('its STE has no stage 1, and so no CD');
    const bits = fieldOf(ste, STE_S1CDMAX);
    if (ssid >= 2n ** BigInt(bits))
      throw new Missing(`no CD: the stream has ${2 ** bits} of them (S1CDMax ${bits})`);
    const memory = { load64: this.#load64Of(ste) };
    const address = locateCd(memory, ste, Number(ssid), bits);
    if (address === undefined)
      throw new Missing('no CD: its level-1 descriptor is invalid, or not in RAM');
    const words = guestStructure(memory, address, CD_SIZE);
    if (!words) throw new Missing(`there is no RAM at ${hex(address)}, where its CD would be`);
    return { address, words };
  }

  ste(args: readonly string[]): string {
    const sid = numberIn(args[0], 'StreamID', MAX_SID);
    const { address, words } = this.#ste(sid);
    return `StreamID ${hex(sid)}, at ${hex(address)}\n${decodedText(decodeSte(words))}`;
  }

  cd(args: readonly string[]): string {
    const sid = numberIn(args[0], 'StreamID', MAX_SID);
    const ssid = numberIn(args[1] ?? '0', 'SubstreamID', MAX_SSID);
    const { address, words } = this.#cd(this.#ste(sid).words, ssid);
    return (
      `StreamID ${hex(sid)}, SubstreamID ${hex(ssid)}, at ${hex(address)}\n` +
      decodedText(decodeCd(words))
    );
  }

  walk(args: readonly string[]): string {
    const sid = numberIn(args[0], 'StreamID', MAX_SID);
    const iova = numberIn(args[1], 'address', MAX_ADDRESS);
    const ssid = numberIn(args[2] ?? '0', 'SubstreamID', MAX_SSID);
    const lines: string[] = [];
    const say = (line: string) => lines.push(line);
    const result = this.#walk(sid, iova, ssid, say);
    say('why' in result ? `faults: ${result.why}` : `${hex(iova)} is ${hex(result.output)}`);
    return `${lines.join('\n')}\n`;
  }

  #walk(sid: bigint, iova: bigint, ssid: bigint, say: (line: string) => void): WalkResult {
    const ste = this.#ste(sid);
    say(`${hex(ste.address)}: STE, ${decodeSte(ste.words).summary}`);
    if (!fieldOf(ste.words, STE_V)) return { why: 'the STE is invalid' };
    if (fieldOf(ste.words, STE_CONFIG) < STE_CONFIG_BYPASS) return { why: 'the STE aborts' };
    if (!stagesOf(ste.words).one) return this.#physical(ste.words, iova, say);
    const cd = this.#cd(ste.words, ssid);
    say(`${hex(cd.address)}: CD, ${decodeCd(cd.words).summary}`);
    if (!fieldOf(cd.words, CD_V)) return { why: 'the CD is invalid' };
    const tables = stage1Tables(cd.words, iova);
    if ('why' in tables) return tables;
    const ipa = walkTables(tables, iova, this.#load64Of(ste.words), say);
    return 'why' in ipa ? ipa : this.#physical(ste.words, ipa.output, say);
  }

  iotlb(args: readonly string[]): string {
    const [one] = this.#subject.smmus;
    if (!one) throw new Missing('the machine has no SMMUv3');
    const isAll = args[0] === 'all';
    return iotlbText(one, isAll);
  }

  queues(): string {
    return this.#subject.smmus.map(queuesText).join('');
  }

  its(): string {
    const { its } = this.#subject;
    if (!its) throw new Missing('the machine has no ITS');
    return itsText(its.inspect());
  }
}

type Command = readonly [usage: string, what: string, run: (m: Monitor, args: string[]) => string];

const COMMANDS: Readonly<Record<string, Command>> = {
  ste: ['ste SID', 'stream table entry of a StreamID', (m, args) => m.ste(args)],
  cd: ['cd SID [SSID]', 'context descriptor of a substream, default 0', (m, args) => m.cd(args)],
  walk: [
    'walk SID ADDRESS [SSID]',
    'STE, CD and descriptors that translate an address of DMA',
    (m, args) => m.walk(args),
  ],
  iotlb: [
    'iotlb [all]',
    "what the SMMU's TLB holds of this machine, or of all that share it",
    (m, args) => m.iotlb(args),
  ],
  vcmdqs: ['vcmdqs', 'VINTF, VCMDQs and CMDQ, with PROD and CONS', (m) => m.queues()],
  its: ['its', 'ITS: queue, tables, collections, devices with their LPIs', (m) => m.its()],
};

/** A setting of the session, in the list of commands about devices. */
const PHYSICAL = ['phys on|off', "GDB's addresses are physical, or those of the vCPU"] as const;

function help(): string {
  const rows = [...Object.values(COMMANDS).map(([usage, what]) => [usage, what]), PHYSICAL];
  const width = Math.max(...rows.map(([usage = '']) => usage.length));
  return rows.map(([usage = '', what = '']) => `${usage.padEnd(width)}  ${what}\n`).join('');
}

/** Executes `monitor` commands about a machine; no input makes it throw. */
export function machineMonitor(subject: MonitorSubject): (command: string) => string {
  const monitor = new Monitor(subject);
  return (text) => {
    const [name = '', ...args] = text.split(/\s+/);
    const [, , run] = Object.hasOwn(COMMANDS, name) ? (COMMANDS[name] ?? []) : [];
    if (!run)
      return `${name === 'help' || name === '' ? '' : 'no such command; these are:\n'}${help()}`;
    try {
      return run(monitor, args);
    } catch (error) {
      if (error instanceof Missing) return `${error.message}\n`;
      return `this cannot be shown: ${error instanceof Error ? error.message : String(error)}\n`;
    }
  };
}
