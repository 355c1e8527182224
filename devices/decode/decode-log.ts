// SPDX-License-Identifier: MIT
// Lines of logs: messages of Linux's arm-smmu-v3 and tegra241-cmdqv drivers about events
// and errors, and the findings of the sanitizer. Formats: arm_smmu_dump_raw_event,
// arm_smmu_dump_event, __arm_smmu_cmdq_skip_err, arm_smmu_gerror_handler,
// __arm_smmu_cmdq_poll_until_consumed and tegra241_cmdqv_isr of Linux.

import {
  VCMDQ_CONS_ERR,
  VCMDQ_CONS_RD,
  VCMDQ_GERROR_CMDQ_ERR,
  VCMDQ_GERROR_CMDQ_INIT_ERR,
  VCMDQ_GERROR_CONS_DRAM_WR_ABT_ERR,
} from '../../assembly/layout/cmdqv-registers.ts';
import {
  GERROR_CMDQ_ERR,
  GERROR_CMDQP_ERR,
  GERROR_EVENTQ_ABT_ERR,
  GERROR_MSI_CMDQ_ABT_ERR,
  GERROR_MSI_EVENTQ_ABT_ERR,
  GERROR_MSI_GERROR_ABT_ERR,
  GERROR_MSI_PRIQ_ABT_ERR,
  GERROR_PRIQ_ABT_ERR,
} from '../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../plugin/index.ts';
import { anyText } from '../plugin/option-kinds.ts';
import { EVENTS } from '../tables/index.ts';
import { decodeCommand } from './decode-commands.ts';
import { decodeEvent } from './decode-events.ts';
import { decodeFinding } from './decode-finding.ts';
import { decodeDriverMessage } from './driver-messages.ts';
import { type Decoded, type DecodedField, decodeField } from './structure.ts';
import { wordsOfHex } from './words.ts';

/** One decoded message of a log. */
export interface LogEntry {
  /** The line on which the message ends, counted from 1. */
  readonly line: number;
  /** The device that printed it, from its prefix; empty when there is none. */
  readonly device: string;
  readonly decoded: Decoded;
}

/** No driver prints longer lines. */
const MOST_LINE = 4096;
/** Maximum number of devices with an incomplete dump at the same time. */
const MOST_DEVICES = 64;
/** Maximum number of other lines between those of a dump. */
const MOST_BETWEEN = 64;

interface Dump {
  readonly doublewords: number;
  readonly decode: (words: readonly number[]) => Decoded;
  readonly hex: string[];
  readonly begun: number;
}

const CERROR = [
  'CERROR_NONE: no error',
  'CERROR_ILL: illegal command',
  'CERROR_ABT: the command could not be fetched',
  'CERROR_ATC_INV_SYNC: an ATC_INV before this CMD_SYNC was not answered in time',
] as const;

/** Bits of registers, by layout field. */
const GERRORS: readonly (readonly [field: number, name: string, meaning: string])[] = [
  [GERROR_CMDQ_ERR, 'CMDQ_ERR', 'a command could not be carried out: CMDQ_CONS.ERR says why'],
  [
    GERROR_EVENTQ_ABT_ERR,
    'EVENTQ_ABT_ERR',
    'the event queue could not be written; events are lost',
  ],
  [GERROR_PRIQ_ABT_ERR, 'PRIQ_ABT_ERR', 'the PRI queue could not be written; requests are lost'],
  [GERROR_MSI_CMDQ_ABT_ERR, 'MSI_CMDQ_ABT_ERR', 'the MSI of a CMD_SYNC was aborted'],
  [GERROR_MSI_EVENTQ_ABT_ERR, 'MSI_EVENTQ_ABT_ERR', 'the MSI of the event queue was aborted'],
  [GERROR_MSI_PRIQ_ABT_ERR, 'MSI_PRIQ_ABT_ERR', 'the MSI of the PRI queue was aborted'],
  [GERROR_MSI_GERROR_ABT_ERR, 'MSI_GERROR_ABT_ERR', 'the MSI of a global error was aborted'],
  [GERROR_CMDQP_ERR, 'CMDQP_ERR', 'an ECMDQ control page has an error'],
];
const VCMDQ_GERRORS: typeof GERRORS = [
  [VCMDQ_GERROR_CMDQ_ERR, 'CMDQ_ERR', 'a command could not be carried out: CONS.ERR says why'],
  [
    VCMDQ_GERROR_CONS_DRAM_WR_ABT_ERR,
    'CONS_DRAM_WR_ABT_ERR',
    'CONS could not be written to memory',
  ],
  [VCMDQ_GERROR_CMDQ_INIT_ERR, 'CMDQ_INIT_ERR', 'the queue could not be enabled'],
];

const bits = (value: number, table: typeof GERRORS): DecodedField[] =>
  table.flatMap(([field, name, meaning]) =>
    bitsOf(value, field) === 0 ? [] : [decodeField([value], name, { means: () => meaning }, field)],
  );

const RD_MEANS = () => 'index of the command, and the wrap bit above it';

/** A CONS register of an SMMU or VCMDQ: the index with its wrap bit, and the error. */
const consFields = (cons: number): DecodedField[] => [
  decodeField([cons], 'RD', { means: RD_MEANS }, VCMDQ_CONS_RD),
  decodeField([cons], 'ERR', { means: CERROR }, VCMDQ_CONS_ERR),
];

const hex32 = (digits: string | undefined) => Number.parseInt(digits ?? '0', 16) >>> 0;

/** Bit numbers of the bits set in a hexadecimal number. */
function setBits(digits: string): number[] {
  const value = BigInt(`0x${digits}`);
  const count = 4 * digits.length;
  return Array.from({ length: count }, (_, i) => i).filter((i) => (value >> BigInt(i)) & 1n);
}

const listed = (what: string, numbers: readonly number[]) =>
  numbers.length === 0 ? `no ${what}` : `${what} ${numbers.join(', ')}`;

const says = (name: string) => EVENTS.find((event) => event.name === name)?.says;

/** One-line messages. The groups of a pattern are the arguments. */
const MESSAGES: readonly (readonly [
  pattern: RegExp,
  decode: (groups: readonly string[]) => Decoded,
])[] = [
  [
    /\bCMDQ error \(cons 0x([0-9a-f]{1,8})\)/i,
    ([cons]) => {
      const fields = consFields(hex32(cons));
      return { name: 'CMDQ_CONS', summary: fields[1]?.meaning ?? '', fields };
    },
  ],
  [
    /\bunexpected global error reported \(0x([0-9a-f]{1,8})\)/i,
    ([active]) => ({
      name: 'GERROR',
      summary: 'errors that are active: GERROR differs from GERRORN',
      fields: bits(hex32(active), GERRORS),
    }),
  ],
  [
    /\bCMD_SYNC timeout at 0x([0-9a-f]{1,8}) \[hwprod 0x([0-9a-f]{1,8}), hwcons 0x([0-9a-f]{1,8})\]/i,
    ([at, prod, cons]) => ({
      name: 'CMD_SYNC timeout',
      summary:
        `the command at 0x${at} was not consumed in time; CMDQ_PROD is 0x${prod}. Look at ` +
        'the command at RD: an error there stops the queue, an ATC_INV waits for its device',
      fields: consFields(hex32(cons)),
    }),
  ],
  [
    /\bunexpected error reported. vintf_map: ([0-9a-f]{16}), vcmdq_map:? ((?:[0-9a-f]{8}:?){1,4})/i,
    ([vintfs = '0', vcmdqs = '0']) => ({
      name: 'CMDQV error maps',
      summary:
        `${listed('VINTF', setBits(vintfs))}; ` +
        `${listed('VCMDQ', setBits(vcmdqs.replaceAll(':', '')))}`,
      fields: [],
    }),
  ],
  [
    /\bGERRORN=0x([0-9a-f]{1,8}), GERROR=0x([0-9a-f]{1,8}), CONS=0x([0-9a-f]{1,8})/i,
    ([gerrorn, gerror, cons]) => ({
      name: 'VCMDQ',
      summary: 'errors that are active (GERROR differs from GERRORN), and CONS',
      fields: [...bits(hex32(gerror) ^ hex32(gerrorn), VCMDQ_GERRORS), ...consFields(hex32(cons))],
    }),
  ],
  [
    /\bfailed to (en|dis)able, STATUS=0x([0-9a-f]{1,8})/i,
    ([how, status]) => ({
      name: 'STATUS',
      summary: `bit 0 did not ${how === 'en' ? 'become 1' : 'become 0'} in time: 0x${status}`,
      fields: [],
    }),
  ],
  [
    /\bevent: (\w{1,40}) client: (.{1,80}?) sid: (\w{1,12}) ssid: (\w{1,12})(?: iova: (\w{1,18}) ipa: (\w{1,18})| fetch_addr: (\w{1,18}))?/,
    ([name = '', client, sid, ssid, iova, ipa, fetched]) => ({
      name,
      summary:
        `${says(name) ?? 'no event of the architecture'}; StreamID ${sid}, SubstreamID ${ssid}, ${client}` +
        (iova === undefined ? '' : `, IOVA ${iova}, IPA ${ipa}`) +
        (fetched === undefined ? '' : `, fetched from ${fetched}`),
      fields: [],
    }),
  ],
];

const DUMPS: readonly (readonly [pattern: RegExp, Pick<Dump, 'doublewords' | 'decode'>])[] = [
  [/\bevent 0x[0-9a-f]{1,2} received:/i, { doublewords: 4, decode: decodeEvent }],
  [/\bskipping command in error state:/, { doublewords: 2, decode: decodeCommand }],
];
const DOUBLEWORD = /(?:^|\s)0x([0-9a-f]{16})\s*$/i;

/** The last word of a message's prefix before the colon: "arm-smmu-v3.0.auto". */
function deviceOf(prefix: string): string {
  return /(\S{1,80}):\s*(?:VINTF\d+: (?:VCMDQ\d+\/LVCMDQ\d+: )?)?$/.exec(prefix)?.[1] ?? '';
}

/**
 * Decodes a log line by line, among any other content. Dumps of several devices may be
 * interleaved. Its memory use is bounded for any input.
 */
export class LogDecoder {
  readonly #dumps = new Map<string, Dump>();
  #line = 0;

  /**
   * Adds the next line; returns the entries that it completes.
   * @throws {TypeError} when it is not a string.
   */
  add(line: string): readonly LogEntry[] {
    anyText(line, 'LogDecoder.add', 'line');
    this.#line++;
    if (line.length > MOST_LINE) return [];
    const word = DOUBLEWORD.exec(line);
    if (word) {
      const device = deviceOf(line.slice(0, word.index));
      if (this.#dumps.has(device)) return this.#word(device, word[1] ?? '');
    }
    for (const [pattern, dump] of DUMPS) {
      const found = pattern.exec(line);
      if (found) return this.#begin(deviceOf(line.slice(0, found.index)), dump);
    }
    for (const [pattern, decode] of MESSAGES) {
      const found = pattern.exec(line);
      if (found) return [this.#entry(deviceOf(line.slice(0, found.index)), decode(found.slice(1)))];
    }
    const said = decodeDriverMessage(line);
    if (said) return [this.#entry(deviceOf(line.slice(0, said.at)), said.decoded)];
    return decodeFinding(line).map((decoded) => this.#entry('', decoded));
  }

  #entry(device: string, decoded: Decoded): LogEntry {
    return { line: this.#line, device, decoded };
  }

  #begin(device: string, dump: Pick<Dump, 'doublewords' | 'decode'>): readonly LogEntry[] {
    this.#dumps.delete(device);
    for (const [other, { begun }] of this.#dumps)
      if (this.#dumps.size >= MOST_DEVICES || this.#line - begun > MOST_BETWEEN)
        this.#dumps.delete(other);
    this.#dumps.set(device, { ...dump, hex: [], begun: this.#line });
    return [];
  }

  #word(device: string, digits: string): readonly LogEntry[] {
    const dump = this.#dumps.get(device);
    if (!dump) return [];
    dump.hex.push(digits);
    if (dump.hex.length < dump.doublewords) return [];
    this.#dumps.delete(device);
    if (this.#line - dump.begun > MOST_BETWEEN) return [];
    return [this.#entry(device, dump.decode(wordsOfHex(dump.hex)))];
  }
}
