#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The constants of guest-driver/vsmmu.h, from the layout tables. Writes the header;
// test/docs/c-header.test.ts fails when the header is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);
const HEADER = 'guest-driver/vsmmu.h';

/** Constants for device models that a guest has no use for. */
export const NOT_FOR_GUESTS =
  /^(EVENT_\w+|CR0_WRITABLE|CMDQV_CONFIG_(WRITABLE|RESET)|(VCMDQ_)?GERROR_VALID|VCMDQ_BASE_ADDR_(LO|HI))$/;

const FIELD = /^\((\d+) << 16\) \| \((\d+) << 8\) \| (\d+)$/;
const NUMBER = /^(0x[0-9a-f]+|\d+)$/;
/** Another constant of the table. */
const NAME = /^[A-Z][A-Z0-9_]+$/;

const read = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), 'utf8');

/**
 * A value in C.
 * @param {string} name
 * @param {string} value
 */
function inC(name, value) {
  const [, word, bit, width] = FIELD.exec(value) ?? [];
  if (word !== undefined) return `VSMMU_FIELD(${word}, ${bit}, ${width})`;
  if (NAME.test(value)) return value;
  if (!NUMBER.test(value)) throw new Error(`${name} is neither a number nor a field: ${value}`);
  return `${value}u`;
}

/**
 * A paragraph of a table in C, with its comments unchanged; empty when it defines
 * nothing.
 * @param {string} paragraph
 */
function paragraphInC(paragraph) {
  const constant = /((?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?)export const (\w+) = (.*?);(.*)(?:\n|$)/g;
  const text = paragraph.replace(constant, (_, comment, name, value, rest) =>
    NOT_FOR_GUESTS.test(name)
      ? ''
      : `${comment.replace('/**', '/*')}#define ${name} ${inC(name, value)}${rest}\n`,
  );
  if (/\bexport\b/.test(text)) throw new Error(`more than constants: ${text}`);
  return text.includes('#define') ? text.trimEnd() : '';
}

/** The header with its constants regenerated. */
export function header() {
  return read(HEADER).replace(
    /(\/\/ begin (\S+)\n)[\s\S]*?(\/\/ end\n)/g,
    (_, begin, file, end) => {
      const paragraphs = read(file).split(/\n\n+/).map(paragraphInC).filter(Boolean);
      return `${begin}${paragraphs.join('\n\n')}\n${end}`;
    },
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL(HEADER, ROOT), header());
