// SPDX-License-Identifier: MIT
// Decoded structures as text.

import { typeOf } from '../plugin/known-names.ts';
import type { Decoded, DecodedField } from './structure.ts';

const hex = (value: bigint) => `0x${value.toString(16)}`;

function bitsText({ doubleword, high, low }: DecodedField): string {
  return `${doubleword}[${high === low ? high : `${high}:${low}`}]`;
}

/**
 * A decoded structure as text: one line for the structure, and one for each field that is
 * not 0 or is used.
 * @throws {TypeError} for a value that no function of this folder returned.
 */
export function decodedText(decoded: Decoded): string {
  if (!Array.isArray(decoded?.fields))
    throw new TypeError(
      `decodedText: decoded must be what decodeSte and the like return, not ${typeOf(decoded)}`,
    );
  const { name, summary, fields } = decoded;
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
