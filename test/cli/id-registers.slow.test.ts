// SPDX-License-Identifier: MIT
// --id-registers selects the ID registers of the host's SMMUs, which determine those of
// all kinds of guests.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { vsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';
import { IMPORT_READ32, IMPORT_WRITE32, reactor } from '../support/wat.ts';
import { image } from '../vmm/boards/virt/virt-programs.ts';

/** IDR0, IDR1, IDR3, IDR5 and AIDR. */
const OFFSETS = [0x00, 0x04, 0x0c, 0x14, 0x1c];
/** Seen by a guest, and by a kernel that owns Grace's SMMU. */
const SHOWN = {
  default: ['0c483c9a', '01080510', '00000404', '04000075', '00000002'],
  grace: ['0808341a', '09080510', '00000000', '00800075', '00000001'],
} as const;
const OWNED = ['080d361b', '0a739d20', '00000110', '00800075', '00000001'];

/** Prints the registers, each digit as a letter from @ to O, and powers off. */
const WASM = reactor(
  `(func $show (param $register i32) (local $value i32) (local $shift i32)
    (local.set $value (call $read32 (i32.add (i32.const 0x09050000) (local.get $register))))
    (local.set $shift (i32.const 32))
    (loop $next
      (local.set $shift (i32.sub (local.get $shift) (i32.const 4)))
      (call $write32 (i32.const 0x09000000)
        (i32.add (i32.const 0x40)
          (i32.and (i32.const 15) (i32.shr_u (local.get $value) (local.get $shift)))))
      (br_if $next (local.get $shift)))
    (call $write32 (i32.const 0x09000000) (i32.const 0x0a)))
  (func $run (param i32) (result i32)
    ${OFFSETS.map((offset) => `(call $show (i32.const ${offset}))`).join('\n')}
    (i32.const 2))`,
  `${IMPORT_READ32} ${IMPORT_WRITE32}`,
);

/** The same in A64. */
const A64 = image({
  0: [
    0xd2a12001, // mov x1, #0x9000000
    0xd2a120a4, // mov x4, #0x9050000
    ...OFFSETS.flatMap((offset) => [
      0xb9400083 + ((offset / 4) << 10), // ldr w3, [x4, #offset]
      ...[28, 24, 20, 16, 12, 8, 4, 0].flatMap((shift) => [
        0x53000065 + (shift << 16) + ((shift + 3) << 10), // ubfx w5, w3, #shift, #4
        0x110100a5, // add w5, w5, #'@'
        0x39000025, // strb w5, [x1]
      ]),
      0x52800145, // mov w5, #10
      0x39000025, // strb w5, [x1]
    ]),
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #8
    0xd4000002, // hvc #0
  ],
});

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-ids-'));
  await writeFile(at('shows.wasm'), WASM);
  await writeFile(at('shows.bin'), A64);
});
afterAll(() => rm(folder, { recursive: true }));

/** The registers printed by a guest. */
function printed(stdout: string): string[] {
  return [...stdout.matchAll(/^(?:\[vm0\] )?([@-O]{8})$/gm)].map(([, letters = '']) =>
    [...letters].map((letter) => (letter.charCodeAt(0) - 0x40).toString(16)).join(''),
  );
}

const KERNEL = ['shows.bin', '--arch', 'arm64', '--memory', '16'];

describe('--id-registers', { timeout: 60_000 }, () => {
  it.each<[what: string, ids: 'default' | 'grace' | undefined, args: string[], expected: unknown]>([
    ['a WebAssembly guest', 'grace', ['shows.wasm'], SHOWN.grace],
    ['a WebAssembly guest', 'default', ['shows.wasm'], SHOWN.default],
    ['a WebAssembly guest', undefined, ['shows.wasm'], SHOWN.default],
    ['an arm64 kernel', 'grace', KERNEL, SHOWN.grace],
    ['an arm64 kernel', undefined, KERNEL, SHOWN.default],
    ['an arm64 kernel on threads', 'grace', [...KERNEL, '--transport', 'mailbox'], SHOWN.grace],
    ['an arm64 kernel that is the host', 'grace', [...KERNEL, '--role', 'host'], OWNED],
  ])('%s sees what its role has of those of its host: %s', async (_, ids, args, expected) => {
    const [guest = '', ...others] = args;
    if (ids) others.push('--id-registers', ids);
    // Kernels have standard input.
    const run = guest.endsWith('.bin') ? vsmmuProcess : vsmmu;
    const { status, stdout } = await run('boot', at(guest), ...others);
    expect([status, printed(stdout)]).toEqual([0, expected]);
  });

  it.each(['direct', 'overlay'])('has the toy go without RIL: %s', async (path) => {
    const args = ['--path', path, '--vms', '1', '--arg', 'warmup=0', '--json', '--check'];
    const { status, stdout } = await vsmmu('boot', 'toy', '--id-registers', 'grace', ...args);
    const { checks } = JSON.parse(stdout) as Report;
    expect([status, checks.filter(({ ok }) => !ok)]).toEqual([0, []]);
    expect(checks.length).toBeGreaterThan(15);
    expect(checks.find(({ name }) => name.endsWith('probe-smmu'))?.detail).toContain('IDR3 0x0 ');
  });
});
