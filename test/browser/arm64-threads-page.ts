// SPDX-License-Identifier: MIT
// Functions of a page with arm64 vCPUs on workers, which the tests call by name. It uses
// the built package, whose workers can run.

import { Checkpoint } from '../../dist/devices/index.js';
import { ARM64_TOY_CHECKPOINT, arm64ToySource } from '../../dist/guest-driver/arm64-toy/a64-toy.js';
import { Host, type Machine, type MachineOptions, virtBoard } from '../../dist/vmm/api/index.js';
import { assembleProgram } from '../../dist/vmm/vcpu/arm64/index.js';
import { handOverImage, handOverResults } from '../../scripts/counter-hand-overs.mjs';
import {
  CELLS,
  HISTOGRAM,
  LITMUS_TESTS,
  litmusImage,
  litmusOutcomes,
} from '../../scripts/litmus-programs.mjs';

/** Outcome counts of a litmus test: u32, two bits of the index for each vCPU. */
const HISTOGRAM_SIZE = 4 * 256;

/** Runs a program to its end, and returns its results. */
async function run(options: Partial<MachineOptions>, look: (machine: Machine) => object) {
  const host = await Host.create();
  try {
    const board = virtBoard({ epoch: 0 });
    const transport = 'mailbox';
    const machine = await host.createMachine({ guest: '', ...options, board, transport });
    let output = '';
    machine.on('output', (bytes) => {
      output += String.fromCharCode(...bytes);
    });
    await machine.boot();
    const { status } = await machine.wait();
    return { status, error: machine.error?.message, output, ...look(machine) };
  } finally {
    await host.destroy();
  }
}

const tests = {
  /** In a worker, where a Blob can be a disk. */
  blobDisk(bytes: readonly number[], offset: number, length: number) {
    const worker = new Worker(new URL('./blob-disk-worker.ts', import.meta.url), {
      type: 'module',
    });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage({ blob: new Blob([Uint8Array.from(bytes)]), offset, length });
    });
  },
  async toy() {
    const results: unknown[] = [];
    const device = new Checkpoint({
      onPhase: () => undefined,
      onResult: (name, ok, detail) => results.push([name, ok, detail]),
    });
    const source = arm64ToySource({ paths: ['direct', 'trapped'], rounds: 2 });
    const devices = [{ device, addresses: [ARM64_TOY_CHECKPOINT] }];
    const options = { guest: assembleProgram(source), vcpus: 2, memory: 16, devices };
    return { ...(await run(options, () => ({}))), results };
  },
  handOvers: (count: number) =>
    run({ guest: handOverImage(count), vcpus: 2, memory: 16 }, handOverResults),
  litmus(wanted: string, outcomes: number) {
    const test = LITMUS_TESTS.find(({ name }) => name === wanted);
    if (!test) throw new Error(`there is no litmus test ${wanted}`);
    const guest = litmusImage(test, Math.ceil(outcomes / CELLS));
    return run({ guest, vcpus: test.vcpus.length, memory: 64 }, (machine) => {
      const bytes = machine.readMemory(HISTOGRAM, HISTOGRAM_SIZE) ?? new Uint8Array(HISTOGRAM_SIZE);
      return litmusOutcomes(test, new Uint32Array(bytes.slice().buffer));
    });
  },
};

Object.assign(globalThis, { tests });
