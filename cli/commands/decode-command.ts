// SPDX-License-Identifier: MIT
// vsmmu decode: explains the words of a structure, and the lines of a log.

import { createReadStream } from 'node:fs';
import { type Command, Option } from 'commander';
import {
  type Decoded,
  decodeCd,
  decodeCommand,
  decodedText,
  decodeEvent,
  decodePte,
  decodeSte,
  LogDecoder,
  type LogEntry,
  type PteOptions,
  type Words,
  wordsOfText,
} from '../../devices/decode/index.ts';
import {
  cdRefusals,
  commandRefusals,
  type Refusal,
  steRefusals,
} from '../../devices/decode/refusals/index.ts';
import { unknownName } from '../../devices/plugin/index.ts';
import {
  GRACE_ID_REGISTERS,
  GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
  type SmmuIdRegisters,
} from '../../devices/smmuv3/index.ts';
import { GRANULE_4K, GRANULE_16K, GRANULE_64K, type Granule } from '../../devices/tables/index.ts';
import { fileReason } from '../../vmm/api/regular-file.ts';
import { requireFile, UsageError } from '../cli-error.ts';
import { jsonLine } from '../json-line.ts';
import { linesOf } from '../lines.ts';
import { printableData } from '../printable-data.ts';

const GRANULES: Readonly<Record<string, Granule>> = {
  '4k': GRANULE_4K,
  '16k': GRANULE_16K,
  '64k': GRANULE_64K,
};

/** ID registers against which structures can be checked. */
const JUDGES: Readonly<Record<string, SmmuIdRegisters>> = {
  guest: GUEST_ID_REGISTERS,
  host: PHYSICAL_ID_REGISTERS,
  grace: GRACE_ID_REGISTERS,
};

/** A structure: its number of doublewords, its decoder, and the reasons why an SMMU refuses it. */
interface Structure {
  readonly doublewords: number;
  readonly decode: (words: Words, pte: PteOptions) => Decoded;
  readonly refusals?: (words: Words, ids: SmmuIdRegisters) => Iterable<Refusal>;
}

/** The STE of a CD that is checked alone. */
const NO_STE: Words = [];

const STRUCTURES: Readonly<Record<string, Structure>> = {
  ste: { doublewords: 8, decode: decodeSte, refusals: steRefusals },
  cd: { doublewords: 8, decode: decodeCd, refusals: (cd, ids) => cdRefusals(cd, NO_STE, ids) },
  cmd: {
    doublewords: 2,
    decode: decodeCommand,
    refusals: (words, ids) =>
      commandRefusals(words, ids, ids === GUEST_ID_REGISTERS ? 'guest' : 'own'),
  },
  event: { doublewords: 4, decode: decodeEvent },
  pte: { doublewords: 1, decode: decodePte },
};

/** Longer names of structures. */
const ALIASES: Readonly<Record<string, string>> = {
  command: 'cmd',
  evt: 'event',
  descriptor: 'pte',
};

/** The short name of a kind. */
const kindOf = (given: string) =>
  Object.hasOwn(ALIASES, given) ? (ALIASES[given] ?? given) : given;

/** The accepted forms of a structure's words, with an example. */
function forms(kind: string, doublewords: number): string {
  const example = EXAMPLES[kind] ?? [];
  const words = `${doublewords} ${doublewords === 1 ? 'doubleword' : 'doublewords'}`;
  return (
    `give ${words} in hexadecimal, the lowest first, or ${2 * doublewords} words of 32 bits, ` +
    `such as: vsmmu decode ${kind} ${example.join(' ')}`
  );
}

/** Example words of each structure. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  ste: ['0x000000123456784b', '0x00000000080000d6', '0', '0', '0', '0', '0', '0'],
  cd: ['0x0005000180002b10', '0x80110000', '0', '0', '0', '0', '0', '0'],
  cmd: ['0x0005000300000012', '0x12345001'],
  event: ['0x0000000800000010', '0x20800000000', '0x12345678', '0'],
  pte: ['0x0060000080000f43'],
};

/** The kind for lines of logs. */
const LOG = 'log';
const STDIN = '-';
/** Maximum number of characters that are read from standard input for a structure. */
const MOST_WORDS_TEXT = 10_000;

interface DecodeOptions {
  readonly granule: string;
  readonly level: string;
  readonly stage: string;
  readonly ds: boolean;
  readonly idRegisters?: string;
  readonly json: boolean;
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** Whether an SMMU accepts a structure, and why not. */
function verdict(refusals: readonly Refusal[]): string {
  if (refusals.length === 0) return 'accepted\n';
  return refusals.map(({ text, section }) => `refused: ${text} (${section})\n`).join('');
}

const plain = (decoded: Decoded) => ({
  ...decoded,
  fields: decoded.fields.map((field) => ({ ...field, value: hex(field.value) })),
});

/** Whether the words look like a line of a log. */
const isLogLine = (given: string) =>
  /arm-smmu-v3|cmdqv|\breceived:|\berror state:|StreamID 0x/i.test(given);

/** @throws {UsageError} if the words are not those of the structure. */
function decode(kind: string, given: string, options: DecodeOptions): string {
  const structure = Object.hasOwn(STRUCTURES, kind) ? STRUCTURES[kind] : undefined;
  if (!structure)
    throw new UsageError(unknownName('kind', kind, [...Object.keys(STRUCTURES), LOG]));
  let words: Words;
  try {
    words = wordsOfText(given, structure.doublewords);
  } catch (error) {
    const reason = error instanceof RangeError ? error.message : String(error);
    const hint = isLogLine(given)
      ? `lines of a log are for vsmmu decode ${LOG}`
      : forms(kind, structure.doublewords);
    throw new UsageError(`${kind}: ${reason}; ${hint}`);
  }
  if (options.level === '-1' && !(options.ds && options.granule === '4k'))
    throw new UsageError('level -1 needs --ds and --granule 4k');
  const stage = options.stage === '1' ? 1 : 2;
  const pte = {
    granule: GRANULES[options.granule] ?? GRANULE_4K,
    level: Number(options.level),
    stage,
    ds: options.ds,
  } as const;
  const decoded = structure.decode(words, pte);
  const judge = JUDGES[options.idRegisters ?? ''];
  const refusals = judge && [...(structure.refusals?.(words, judge) ?? [])];
  if (options.json) return jsonLine({ ...plain(decoded), ...(refusals && { refusals }) });
  return decodedText(decoded) + (refusals ? verdict(refusals) : '');
}

const isStdin = (file: string) => file === STDIN || file === '/dev/stdin';

/** The bytes of a file, or of standard input for `-`. */
const bytesOf = (file: string): AsyncIterable<Uint8Array> =>
  isStdin(file) ? process.stdin : createReadStream(file);

/** @throws {UsageError} if the input is longer than the words of any structure. */
async function wholeInput(): Promise<string> {
  let whole = '';
  for await (const line of linesOf(process.stdin)) {
    whole += `${line} `;
    if (whole.length > MOST_WORDS_TEXT)
      throw new UsageError(`standard input is longer than the words of a structure: try ${LOG}`);
  }
  return whole;
}

function entryText({ line, device, decoded }: LogEntry): string {
  return `line ${line}${device === '' ? '' : `, ${device}`}: ${decodedText(decoded)}`;
}

/** @throws {UsageError} if a file cannot be read, or if no line of the files was decoded. */
async function decodeLogs(files: readonly string[], json: boolean): Promise<void> {
  let found = 0;
  for (const file of files) {
    const log = new LogDecoder();
    if (!isStdin(file)) await requireFile(file);
    try {
      for await (const line of linesOf(bytesOf(file))) {
        for (const entry of log.add(line)) {
          found++;
          const shown = printableData(entry.device);
          process.stdout.write(
            json
              ? jsonLine({ ...entry, device: shown, decoded: plain(entry.decoded) })
              : entryText({ ...entry, device: shown, decoded: printableData(entry.decoded) }),
          );
        }
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new UsageError(`cannot read ${file}: ${fileReason(error)}`);
    }
  }
  if (found === 0)
    throw new UsageError('the input has no line of an SMMU, a CMDQV or the sanitizer');
}

/** Options that apply only to a descriptor. */
const OF_PTE = ['granule', 'level', 'stage', 'ds'] as const;

/** @throws {UsageError} if one of them is given for another structure. */
function refuseOfPte(kind: string, command: Command): void {
  const given = OF_PTE.find((name) => command.getOptionValueSource(name) === 'cli');
  if (kind !== 'pte' && given !== undefined)
    throw new UsageError(`--${given} is for a pte, not for ${kind}`);
}

/** @throws {UsageError} if `--id-registers` is given for a structure that no SMMU refuses. */
function refuseJudging(kind: string, { idRegisters }: DecodeOptions): void {
  if (idRegisters !== undefined && !STRUCTURES[kind]?.refusals)
    throw new UsageError(`--id-registers is for an ste, a cd or a cmd, not for ${kind}`);
}

/** Adds the subcommand. */
export function addDecode(program: Command): void {
  program
    .command('decode')
    .description(
      'explain the words of an STE, CD, command, event record or translation table ' +
        'descriptor, and the lines of a kernel log about an SMMU',
    )
    .argument('<kind>', [...Object.keys(STRUCTURES), LOG].join(', '))
    .argument(
      '[hex...]',
      'hexadecimal doublewords, or twice as many 32-bit words, lowest first; for a log, ' +
        'its files; - or nothing reads standard input',
    )
    .addOption(
      new Option('--granule <size>', 'granule of a pte')
        .choices(Object.keys(GRANULES))
        .default('4k'),
    )
    .addOption(
      new Option('--level <n>', 'level of the table of a pte')
        .choices(['-1', '0', '1', '2', '3'])
        .default('3'),
    )
    .addOption(
      new Option('--stage <n>', 'stage of translation of a pte').choices(['1', '2']).default('1'),
    )
    .option(
      '--ds',
      '52-bit addresses for a pte with a granule of 4 or 16 KiB (CD.DS, STE.S2DS)',
      false,
    )
    .addOption(
      new Option(
        '--id-registers <smmu>',
        'say why the SMMU of a guest, of a host, or of Grace refuses an STE, a CD or a command',
      ).choices(Object.keys(JUDGES)),
    )
    .option('--json', 'print one JSON object', false)
    .action(async (called: string, given: string[], options: DecodeOptions, command: Command) => {
      const kind = kindOf(called);
      if (kind === LOG || Object.hasOwn(STRUCTURES, kind)) {
        refuseOfPte(kind, command);
        refuseJudging(kind, options);
      }
      const words = given.length === 0 ? [STDIN] : given;
      if (kind === LOG) return decodeLogs(words, options.json);
      const text = words.join() === STDIN ? await wholeInput() : words.join(' ');
      process.stdout.write(decode(kind, text, options));
    });
}
