// SPDX-License-Identifier: MIT
// Images that exercise exceptions, translation, timers, GIC, PSCI and code that changes, as
// qemu-system-aarch64 has run them (test/arm64/system, scripts/check-arm64-system.mjs): the board `virt`
// prints the same, line by line, but for what scripts/arm64-system-logs.mjs gives a reason for.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compareLogs, DIFFERENCES, IMAGES } from '../../scripts/arm64-system-logs.mjs';
import { printedBy } from './run-image.ts';

const FOLDER = new URL('system/stored/', import.meta.url);

const imageOf = (name: string) =>
  new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.elf.gz`, FOLDER))));

describe('the board virt compared with qemu-system-aarch64', () => {
  it.each(IMAGES.map(({ name }) => name))('prints the same: %s', async (name) => {
    const qemu = readFileSync(new URL(`${name}.log`, FOLDER), 'utf8');
    const printed = await printedBy(imageOf(name));
    // All that runs twice, as regions: the same to the byte, the counts of instructions included.
    expect(await printedBy(imageOf(name), { translate: 'eager' })).toBe(printed);
    const { problems, used } = compareLogs(name, qemu, printed);
    expect(problems).toEqual([]);
    // None that nothing needs any more.
    const listed = DIFFERENCES.filter(({ image }) => image === name);
    expect(listed.filter((one) => !used.has(one))).toEqual([]);
  });

  it('finds a line that differs, is missing, or is too many', () => {
    const problemsOf = (qemu: string, own: string) => compareLogs('code', qemu, own).problems;
    expect(problemsOf('a\nb\n', 'a\nb\n')).toEqual([]);
    expect(problemsOf('a\nb\n', 'a\nc\n')).toHaveLength(1);
    expect(problemsOf('a\nb\n', 'a\n')).toHaveLength(1);
    expect(problemsOf('a\n', 'a\nb\n')).toHaveLength(1);
  });
});
