// SPDX-License-Identifier: MIT
// Images that exercise exceptions, translation, timers, GIC, PSCI and modified code,
// compared with their output on qemu-system-aarch64 (test/arm64/system,
// scripts/check-arm64-system.mjs): the board `virt` prints the same lines, except those
// for which scripts/arm64-system-logs.mjs has a reason.

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
    // Everything that runs twice, as regions: byte for byte the same, including the
    // instruction counts.
    expect(await printedBy(imageOf(name), { translate: 'eager' })).toBe(printed);
    const { problems, used } = compareLogs(name, qemu, printed);
    expect(problems).toEqual([]);
    // No reason is listed that is no longer needed.
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
