// vsmmu decode: what the words of a structure say.

import { type Command, Option } from 'commander';
import {
  type Decoded,
  type DecodedField,
  decodeCd,
  decodeCommand,
  decodeEvent,
  decodePte,
  decodeSte,
  type PteOptions,
  type Words,
  wordsOfHex,
} from '../../devices/decode/index.ts';
import { GRANULE_4K, GRANULE_16K, GRANULE_64K, type Granule } from '../../devices/tables/index.ts';
import { UsageError } from '../cli-error.ts';
import { jsonLine } from '../json-line.ts';

const GRANULES: Readonly<Record<string, Granule>> = {
  '4k': GRANULE_4K,
  '16k': GRANULE_16K,
  '64k': GRANULE_64K,
};

/** A structure: its doublewords, and what decodes it. */
interface Structure {
  readonly doublewords: number;
  readonly decode: (words: Words, pte: PteOptions) => Decoded;
}

const STRUCTURES: Readonly<Record<string, Structure>> = {
  ste: { doublewords: 8, decode: decodeSte },
  cd: { doublewords: 8, decode: decodeCd },
  cmd: { doublewords: 2, decode: decodeCommand },
  event: { doublewords: 4, decode: decodeEvent },
  pte: { doublewords: 1, decode: decodePte },
};

interface DecodeOptions {
  readonly granule: string;
  readonly level: string;
  readonly stage: string;
  readonly ds: boolean;
  readonly json: boolean;
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

function bitsText({ doubleword, high, low }: DecodedField): string {
  return `${doubleword}[${high === low ? high : `${high}:${low}`}]`;
}

function text({ name, summary, fields }: Decoded): string {
  const rows = fields
    .filter(({ value, ignored }) => value !== 0n || !ignored)
    .map((field) => [
      bitsText(field),
      field.name,
      hex(field.value),
      field.ignored ? `${field.meaning} (ignored)`.trim() : field.meaning,
    ]);
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = [0, 1, 2].map(width);
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
  return `${[`${name}: ${summary}`, ...lines].join('\n')}\n`;
}

function json(decoded: Decoded): string {
  return jsonLine({
    ...decoded,
    fields: decoded.fields.map((field) => ({ ...field, value: hex(field.value) })),
  });
}

/** @throws {UsageError} when the words are not of the structure. */
function decode(kind: string, doublewords: readonly string[], options: DecodeOptions): string {
  const structure = Object.hasOwn(STRUCTURES, kind) ? STRUCTURES[kind] : undefined;
  if (!structure)
    throw new UsageError(`'${kind}' is none of ${Object.keys(STRUCTURES).join(', ')}`);
  if (doublewords.length !== structure.doublewords) {
    throw new UsageError(
      `${kind} is ${structure.doublewords} doublewords of 16 hexadecimal digits, not ` +
        `${doublewords.length}`,
    );
  }
  let words: Words;
  try {
    words = wordsOfHex(doublewords);
  } catch (error) {
    throw new UsageError(error instanceof RangeError ? error.message : String(error));
  }
  if (options.level === '-1' && !(options.ds && options.granule === '4k'))
    throw new UsageError('level -1 takes --ds and granules of 4k');
  const stage = options.stage === '1' ? 1 : 2;
  const pte = {
    granule: GRANULES[options.granule] ?? GRANULE_4K,
    level: Number(options.level),
    stage,
    ds: options.ds,
  } as const;
  const decoded = structure.decode(words, pte);
  return options.json ? json(decoded) : text(decoded);
}

/** Adds the subcommand. */
export function addDecode(program: Command): void {
  program
    .command('decode')
    .description(
      'say what the words of an STE, CD, command, event record or translation table ' +
        'descriptor mean',
    )
    .argument('<kind>', `${Object.keys(STRUCTURES).join(', ')}`)
    .argument('<hex...>', '64-bit doublewords as 16 hexadecimal digits each, the lowest first')
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
    .option('--ds', '52-bit addresses of a pte of 4 or 16 KiB granules (CD.DS, STE.S2DS)', false)
    .option('--json', 'print one JSON object', false)
    .action((kind: string, doublewords: string[], options: DecodeOptions) => {
      process.stdout.write(decode(kind, doublewords, options));
    });
}
