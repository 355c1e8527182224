// SPDX-License-Identifier: MIT
// The program of a secondary vCPU on a queue whose registers are trapped: the host has
// removed the direct map, or has never created one.

import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { toySecondary } from '../../guest-driver/index.ts';
import { FakeSmmu, OP_SYNC } from '../support/fake-smmu.ts';

const [QUEUE, LOCK, SHARE, RESULTS, WORK] = [0x40000, 0x40100, 0x40200, 0x40300, 0x40400];
const RING = 0x50000;
const [PROD_GPA, CONS_GPA] = [0x13030004, 0x13030000];
const LOG2_SIZE = 4;
const COMMANDS = 3;
const BATCHES = 8;
const ASID = 7;
const OP_TLBI_NH_VA = 0x12;
/**
 * Reads of CONS without a store to PROD, after which the vCPU would continue to read it
 * for seconds.
 */
const MOST_READS = 100;

it('stores PROD with a trapped access for each batch, and waits until CONS is there', async () => {
  const { memory, view } = new FakeSmmu();
  const words = (at: number, ...values: readonly number[]) => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true);
    });
  };
  let [prod, cons, reads] = [0, 0, 0];
  const stores: [gpa: number, prod: number][] = [];
  const taken: number[] = [];
  const imports = {
    mmio_read32(gpa: number) {
      expect(gpa).toBe(CONS_GPA);
      if (++reads > MOST_READS) throw new Error('it waits for commands that it has not sent');
      return cons;
    },
    mmio_write32(gpa: number, value: number) {
      stores.push([gpa, value]);
      for (prod = value, reads = 0; cons !== prod; cons = (cons + 1) % (2 << LOG2_SIZE))
        taken.push(view.getUint8(RING + 16 * (cons % (1 << LOG2_SIZE))));
    },
    doorbell: () => expect.unreachable('no range is mapped'),
    wait: () => undefined,
    clock_ns: () => 0,
  };
  const { instance } = await WebAssembly.instantiate(await readFile(toySecondary), {
    env: { memory },
    vsmmu: imports,
  });
  // driver/ring.ts: ring, size, PROD, CONS, enabled, and the gpas of PROD and CONS.
  words(QUEUE, RING, LOG2_SIZE, 0, 0, 1, PROD_GPA, CONS_GPA);
  words(SHARE, 0, 1);
  // secondary/work-block.ts: queue, lock, share, ASID, iova, no leaves and descriptor;
  // the amount of work.
  words(WORK, QUEUE, LOCK, SHARE, ASID, 0x1000, 0, 0, 0, 0, 0, COMMANDS, BATCHES, 1, RESULTS);
  const secondary = instance.exports.vsmmu_secondary as (vcpu: number, block: number) => void;
  secondary(1, WORK);

  const [failures, exits, doorbells, done] = [0, 1, 2, 3].map((i) =>
    view.getUint32(WORK + 4 * (14 + i), true),
  );
  expect({ failures, exits, doorbells, done }).toEqual({
    failures: 0,
    exits: 0,
    doorbells: 0,
    done: 1,
  });
  const batch = COMMANDS + 1;
  expect(stores).toEqual(
    Array.from({ length: BATCHES }, (_, i) => [PROD_GPA, ((i + 1) * batch) % (2 << LOG2_SIZE)]),
  );
  const commands = [...Array<number>(COMMANDS).fill(OP_TLBI_NH_VA), OP_SYNC];
  expect(taken).toEqual(Array.from({ length: BATCHES }, () => commands).flat());
});
