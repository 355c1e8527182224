#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Makes test/arm64/arm-encodings.txt: the A64 encodings of Arm's machine-readable
// specification (AARCHMRS, BSD-3-Clause), SVE and SME left out. Argument: --source DIR,
// the folder src/A64 of `aarchmrs-instructions`, a generated copy of it as Rust, with one
// file for each class.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const OUT = fileURLToPath(new URL('../test/arm64/arm-encodings.txt', import.meta.url));
const GROUPS = ['reserved', 'dpimm', 'dpreg', 'control', 'ldst', 'simd_dp'];
const ENCODING =
  /OPCODE_MASK: u32 =\s*0b([01]{32})u32;.*?OPCODE: u32 =\s*0b([01]{32})u32;.*?SHOULD_BE_MASK: u32 =\s*0b([01]{32})u32;.*?NAME: &str =\s*"(\w+)"/gs;

/**
 * 0 and 1 as they must be, O and I as they should be, x for the bits of fields.
 * @param {string} mask @param {string} value @param {string} should
 */
function bitsOf(mask, value, should) {
  return [...value]
    .map((bit, i) => {
      if (should[i] === '1') return bit === '1' ? 'I' : 'O';
      return mask[i] === '1' ? bit : 'x';
    })
    .join('');
}

/** @param {string} source @param {string} group */
function linesOf(source, group) {
  const files = readdirSync(join(source, group), { encoding: 'utf8', recursive: true });
  return files
    .filter((file) => file.endsWith('.rs'))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(source, group, file), 'utf8');
      return [...text.matchAll(ENCODING)].map(
        ([, mask = '', value = '', should = '', name = '']) =>
          `${group} ${name} ${bitsOf(mask, value, should)}`,
      );
    });
}

const { source } = parseArgs({ options: { source: { type: 'string' } } }).values;
if (source === undefined || !existsSync(join(source, 'dpimm'))) {
  console.error('--source DIR: the folder src/A64 of aarchmrs-instructions');
  process.exit(2);
}
// The text above the first encoding is the notice of its source.
const notice = readFileSync(OUT, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('#'));
const lines = GROUPS.flatMap((group) => linesOf(source, group));
writeFileSync(OUT, `${[...notice, ...lines].join('\n')}\n`);
console.log(`${lines.length} encodings`);
