// SPDX-License-Identifier: MIT
// One guest binary without any code for a CMDQV, on the trapped path and on the overlay
// path.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { ABI_KIND_CMDQV } from '../../../../assembly/layout/guest-abi.ts';
import { type HotModules, loadHotModules } from '../../../../assembly/load.ts';
import { createToyMachine } from '../../../../vmm/boards/index.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import { loadGuestImage } from '../../../../vmm/vcpu/wasm/index.ts';
import { compileGuest } from '../../../support/compile-assembly.ts';

const BATCHES = 200;
const UNSUPPORTED = 50;
/** Memory offset of the guest's counts. */
const COUNTS = 0x180000;

let modules: HotModules;
let binary: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  modules = await loadHotModules();
  binary = await compileGuest('test/support/guests/cmdq-guest.ts', 64);
}, 60_000);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A 32-bit constant as Wasm code: signed LEB128 after i32.const. */
function constant(value: number): number[] {
  const bytes = [0x41];
  for (let rest = value | 0; ; rest >>= 7) {
    const low = rest & 0x7f;
    const last =
      (rest >> 7 === 0 && (low & 0x40) === 0) || (rest >> 7 === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

function contains(code: Uint8Array, bytes: readonly number[]): boolean {
  return code.some((_, at) => bytes.every((byte, i) => code[at + i] === byte));
}

async function run(overlay: boolean) {
  const hash = sha256(binary);
  const toy = createToyMachine({
    host: await VmHost.create({ modules }),
    name: 'vm',
    index: 0,
    image: await loadGuestImage(binary),
    overlay,
    onOutput: () => undefined,
  });
  const { machine, vm, viommu, vintf } = toy;
  await machine.boot();
  for (let step = 0; step < 10 * BATCHES && machine.step() === 'running'; step++);
  expect([machine.error, machine.status]).toEqual([undefined, 'off']);
  const [batches, unsupported, error, prod] = new Uint32Array(vm.memory.buffer, COUNTS, 4);
  const { commands, syncs } = viommu.commandQueue.counts;
  return {
    hash,
    guest: { batches, unsupported, error, prod },
    queue: { commands, syncs },
    exits: machine.exitStatistics,
    interventions: viommu.statistics.interventions,
    doorbells: viommu.context.doorbellCalls,
    vcmdqs: vintf.queues.map(({ counts }) => counts.commands),
  };
}

describe('a guest without code for a CMDQV', () => {
  it('never probes for one, and accesses no register of an existing one', async () => {
    const toy = Uint8Array.from(
      await readFile(new URL('../../../../guest-driver/toy.wasm', import.meta.url)),
    );
    // The toy shows that the search works: it finds it there.
    expect([
      contains(toy, constant(ABI_KIND_CMDQV)),
      contains(binary, constant(ABI_KIND_CMDQV)),
    ]).toEqual([true, false]);
    const imports = WebAssembly.Module.imports(await WebAssembly.compile(binary)).map(
      ({ module, name }) => `${module}.${name}`,
    );
    expect(
      imports.filter(
        (name) => !/^(env\.memory|vsmmu\.(mmio_(read|write)(32|64)|doorbell|wait))$/.test(name),
      ),
    ).toEqual([]);
    const { exits, vcmdqs } = await run(false);
    expect(
      Object.keys(exits.byRegister).filter((register) => !register.startsWith('smmuv3.')),
    ).toEqual([]);
    expect(vcmdqs).toEqual([0, 0]);
  });

  it('does the same on both paths; on the overlay path, only commands for the host cause exits', async () => {
    const [trapped, overlaid] = [await run(false), await run(true)];
    expect(overlaid.hash).toBe(trapped.hash);
    const guest = {
      batches: BATCHES,
      unsupported: UNSUPPORTED,
      error: 0,
      prod: (4 * BATCHES + UNSUPPORTED) % 128,
    };
    expect([trapped.guest, overlaid.guest]).toEqual([guest, guest]);
    expect(trapped.queue.syncs).toBe(BATCHES);
    expect(overlaid.queue.syncs).toBe(BATCHES);

    expect([trapped.interventions, overlaid.interventions]).toEqual([0, UNSUPPORTED]);
    expect([trapped.doorbells, overlaid.doorbells]).toEqual([0, BATCHES]);
    // Two exits for each batch, PROD and CONS, against none.
    expect(trapped.exits.duringInvalidation).toBe(2 * (BATCHES - UNSUPPORTED));
    expect(overlaid.exits.duringInvalidation).toBe(0);
    const bringUp = trapped.exits.byKind.mmio - 2 * BATCHES;
    expect([overlaid.exits.byKind.mmio, overlaid.exits.byKind.wait]).toEqual([
      bringUp,
      UNSUPPORTED,
    ]);
  });
});
