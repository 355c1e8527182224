// SPDX-License-Identifier: MIT
// One machine of a host does everything wrong that a guest can: the other machine must
// lose nothing, and nothing may trap, throw or hang.

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { VCMDQ_GERROR } from '../../assembly/layout/cmdqv-registers.ts';
import { createToyMachine } from '../../vmm/boards/index.ts';
import { type QueueErrorDecision, VmHost } from '../../vmm/nested/index.ts';
import { loadGuestImage } from '../../vmm/vcpu/wasm/index.ts';
import { compileGuest } from '../support/compile-assembly.ts';
import { checkedHost } from '../support/findings.ts';
import { footprintOf } from '../support/footprint-of.ts';
import { steps } from '../support/thorough.ts';
import { buildTables } from './guest-tables.ts';
import { bringUp, HostileGuest, type Operation } from './operations.ts';

const OPERATIONS = steps(50_000, 100_000);
const PER_RUN = 200;
/** The guest enables its devices again this often, because it keeps breaking them. */
const RUNS_PER_BRING_UP = 2;
const SEED = 0x5eed2026;
const GUEST_PAGES = 64;
/** First iova of the toy's live mapping (guest-driver/toy/address-space.ts). */
const LIVE_IOVA = 0x180000000;

describe('a hostile guest', () => {
  it(`does ${OPERATIONS} operations; its neighbour loses nothing`, {
    timeout: 240_000,
  }, async () => {
    const hostile = new HostileGuest(SEED);
    const onQueueError = (): QueueErrorDecision => (hostile.chance(10) ? 'skip' : 'report');
    const host = await checkedHost(VmHost, { onQueueError });
    const toyImage = await loadGuestImage(
      Uint8Array.from(await readFile(new URL('../../guest-driver/toy.wasm', import.meta.url))),
    );
    const image = await loadGuestImage(
      await compileGuest('test/hostile/hostile-guest.ts', GUEST_PAGES),
    );

    // The neighbour is the toy guest, run until it has a live mapping; then its device
    // continues to read through the SMMU.
    let live = false;
    const neighbour = createToyMachine({
      host,
      name: 'neighbour',
      index: 0,
      image: toyImage,
      args: ['toy', 'vms=1', 'rounds=1', 'warmup=0'],
      onOutput: () => undefined,
      checkpoint: {
        onPhase: () => undefined,
        onResult: (name, ok) => {
          expect(ok, name).toBe(true);
          live ||= name === 'live-mapping';
        },
      },
    });
    await neighbour.machine.boot();
    for (let steps = 0; !live && steps < 30; steps++)
      expect(neighbour.machine.step()).toBe('running');
    expect(live).toBe(true);
    const before = footprintOf(neighbour.viommu, neighbour.vintf);
    expect(before['IOTLB entries'].count).toBeGreaterThan(0);

    const attacker = createToyMachine({
      host,
      name: 'hostile',
      index: 1,
      image,
      args: ['hostile'],
      onOutput: () => undefined,
    });
    const { machine, vm } = attacker;
    await machine.boot();
    const words = new Uint32Array(vm.memory.buffer);
    const run = (operations: readonly Operation[]): void => {
      words[0x180000 >> 2] = operations.length;
      for (const [i, [kind, a, b = 0, c = 0]] of operations.entries())
        words.set([kind, a, b, c], (0x180010 >> 2) + 4 * i);
      expect(machine.step(), machine.error?.message ?? JSON.stringify(machine.end)).toBe('running');
    };
    const neighbourPort = host.dmaPort(neighbour.viommu, 8);
    const target = new Uint8Array(64);
    let done = 0;
    let gerrorSeen = 0;
    for (let runs = 0; done < OPERATIONS; runs++) {
      if (runs % RUNS_PER_BRING_UP === 0) {
        buildTables(vm.memory);
        hostile.reset();
        run(hostile.chance(3) ? bringUp(GUEST_PAGES * 0x10000) : bringUp());
      }
      const operations = hostile.operations(PER_RUN).slice(0, PER_RUN);
      run(operations);
      done += operations.length;
      const page0 = attacker.vintf.context.page0;
      if (page0 !== 0) gerrorSeen |= words[(page0 + VCMDQ_GERROR) >> 2] ?? 0;
      expect(neighbourPort.read(LIVE_IOVA, target).ok).toBe(true);
    }

    expect(footprintOf(neighbour.viommu, neighbour.vintf)).toEqual(before);
    // CMDQ_ERR and CMDQ_INIT_ERR.
    expect(gerrorSeen & 5).toBe(5);
    const { smmu } = host.statistics;
    for (const counter of [
      'illegalOpcode',
      'illegalSecure',
      'illegalCompletion',
      'illegalStream',
      'fetchAborts',
      'repairs',
      'prodOutOfRange',
      'errorsHeld',
      'errorsPublished',
      'errorsSkipped',
      'atcInvalidations',
      'configInvalidations',
    ] as const) {
      expect(smmu[counter], counter).toBeGreaterThan(0);
    }
    for (const event of [
      // A device that is used while its STE is invalid: rare.
      ...(OPERATIONS < 100_000 ? [] : ['C_BAD_STE']),
      'C_BAD_CD',
      'F_TRANSLATION',
      'F_PERMISSION',
      'F_ADDR_SIZE',
      'F_ACCESS',
    ])
      expect(smmu.events[event] ?? 0, event).toBeGreaterThan(0);
    // The neighbour's guest continues to its end, and every check of its own still
    // passes.
    for (let steps = 0; neighbour.machine.status === 'running' && steps < 30; steps++)
      neighbour.machine.step();
    expect(neighbour.machine.status).toBe('off');
  });
});
