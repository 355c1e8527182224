// SPDX-License-Identifier: MIT
// A WebAssembly guest with a VT-d IOMMU that its host emulates in software: its
// invalidation queue results in calls of iommufd, on the nested HWPT and on the vIOMMU.

import { describe, expect, it } from 'vitest';
import * as DMA from '../../../../assembly/layout/dma-engine-registers.ts';
import * as VTD from '../../../../assembly/layout/vtd-formats.ts';
import { DmaEngine } from '../../../../devices/dma-engine/index.ts';
import { maskInWord, withBits } from '../../../../devices/plugin/index.ts';
import { buildInvalidation, type Invalidation, VirtualVtd } from '../../../../devices/vtd/index.ts';
import { MachineCore } from '../../../../vmm/machine/index.ts';
import { type VtdGuestIommu, VtdHost } from '../../../../vmm/nested/vtd/index.ts';
import {
  createGuestMemory,
  createWasi,
  loadGuestImage,
  ramRegions,
  WasmGuest,
} from '../../../../vmm/vcpu/wasm/index.ts';
import { IMPORT_READ32, IMPORT_WRITE32, reactor } from '../../../support/wat.ts';

const RAM = 0x80000000;
const IOMMU = 0x09100000;
const ENGINE = 0x09200000;
const SOURCE_ID = 8;
const DID = 5;
/** Offsets in the guest's memory. */
const AT = {
  root: 0x110000,
  contexts: 0x111000,
  directory: 0x112000,
  pasids: 0x113000,
  level4: 0x114000,
  level3: 0x115000,
  level2: 0x116000,
  level1: 0x117000,
  queue: 0x118000,
  status: 0x119000,
  data: 0x11a000,
  results: 0x11b000,
} as const;
/** The second entry of level 3, the first ones of the others. */
const IOVA = 0x40000000n;
const PATTERN = 0x5a5a5a5a;
const PAGE = { address: IOVA, pages: 1n };

const gpa = (offset: number) => BigInt(RAM + offset);
const PRESENT = BigInt(maskInWord(VTD.VTD_PRESENT));
const PTE = BigInt(maskInWord(VTD.VTD_FS_P) | maskInWord(VTD.VTD_FS_RW));

const store64 = (at: number, value: bigint) =>
  `(i64.store (i32.const ${at}) (i64.const 0x${value.toString(16)}))`;
const write32 = (at: number, value: number) =>
  `(call $write32 (i32.const ${at}) (i32.const ${value | 0}))`;

/**
 * A guest's program: descriptors and DMA in order, each with its result in a word of
 * `results`.
 */
class Program {
  readonly #text: string[] = [];
  #tail = 0;
  #waits = 0;
  #result = 0;

  do(...text: string[]): this {
    this.#text.push(...text);
    return this;
  }

  /**
   * Queues descriptors and a wait, and rings; traps unless the wait has stored its data.
   */
  invalidate(...what: Invalidation[]): this {
    const data = ++this.#waits;
    for (const each of [...what, { kind: 'wait', address: gpa(AT.status), data } as const])
      this.#put(buildInvalidation(each));
    return this.do(
      write32(IOMMU + VTD.VTD_IQT, this.#tail),
      `(if (i32.ne (i32.load (i32.const ${AT.status})) (i32.const ${data})) (then unreachable))`,
    );
  }

  #put(words: Uint32Array): void {
    words.forEach((word, i) => {
      const at = AT.queue + this.#tail + 4 * i;
      this.#text.push(`(i32.store (i32.const ${at}) (i32.const ${word | 0}))`);
    });
    this.#tail += VTD.VTD_DESCRIPTOR_SIZE;
  }

  /** Descriptors at which the queue stops: nothing waits for them. */
  ring(words: Uint32Array): this {
    this.#put(words);
    return this.do(write32(IOMMU + VTD.VTD_IQT, this.#tail));
  }

  /** Reads a register into the next result. */
  read(register: number): this {
    const at = AT.results + 4 * this.#result++;
    return this.do(`(i32.store (i32.const ${at}) (call $read32 (i32.const ${register})))`);
  }

  /** The DMA engine compares the page with the pattern: its status is the next result. */
  verify(): this {
    return this.do(write32(ENGINE + DMA.DMA_CTRL, DMA.DMA_OP_VERIFY)).read(ENGINE + DMA.DMA_STATUS);
  }

  get text(): string {
    return this.#text.join('\n');
  }
}

/** Tables, registers, translation: the first steps of a VT-d driver. */
function bringUp(): Program {
  const entry = new Uint32Array(2);
  const pasid = withBits(
    withBits(1, VTD.VTD_PE_PGTT, VTD.VTD_PGTT_FIRST),
    VTD.VTD_PE_AW,
    VTD.VTD_AW_48,
  );
  entry[0] = pasid;
  const on = [VTD.VTD_GCMD_SRTP, VTD.VTD_GCMD_QIE, VTD.VTD_GCMD_TE].map(maskInWord);
  const dte = BigInt(maskInWord(VTD.VTD_CONTEXT_DTE) | maskInWord(VTD.VTD_CONTEXT_PRE));
  return new Program().do(
    store64(AT.root, gpa(AT.contexts) | PRESENT),
    store64(AT.contexts + SOURCE_ID * VTD.VTD_CONTEXT_SIZE, gpa(AT.directory) | PRESENT | dte),
    store64(AT.directory, gpa(AT.pasids) | PRESENT),
    store64(AT.pasids, BigInt(pasid)),
    store64(AT.pasids + 8, BigInt(DID)),
    store64(AT.pasids + 8 * VTD.VTD_PE_FSPTPTR, gpa(AT.level4)),
    store64(AT.level4, gpa(AT.level3) | PTE),
    store64(AT.level3 + 8, gpa(AT.level2) | PTE),
    store64(AT.level2, gpa(AT.level1) | PTE),
    store64(AT.level1, gpa(AT.data) | PTE),
    `(i32.store (i32.const ${AT.data}) (i32.const ${PATTERN}))`,
    write32(IOMMU + VTD.VTD_IQA, withBits(RAM + AT.queue, VTD.VTD_IQA_DW, 1)),
    write32(
      IOMMU + VTD.VTD_RTADDR,
      withBits(RAM + AT.root, VTD.VTD_RTADDR_TTM, VTD.VTD_TTM_SCALABLE),
    ),
    ...on.map((_, i) =>
      write32(
        IOMMU + VTD.VTD_GCMD,
        on.slice(0, i + 1).reduce((all, bit) => all | bit, 0),
      ),
    ),
    write32(ENGINE + DMA.DMA_SRC, Number(IOVA)),
    write32(ENGINE + DMA.DMA_PATTERN, PATTERN),
    write32(ENGINE + DMA.DMA_LENGTH, 4),
  );
}

async function run(
  program: Program,
  prepare: (iommu: VtdGuestIommu, host: VtdHost) => void = () => undefined,
) {
  const image = await loadGuestImage(
    reactor(
      `(func $run (param i32) (result i32) ${program.text} (i32.const 2))`,
      `${IMPORT_READ32} ${IMPORT_WRITE32}`,
    ),
  );
  const memory = createGuestMemory(image);
  const regions = ramRegions(memory, RAM);
  const host = new VtdHost();
  const vm = host.createVm('vm', memory, regions);
  const iommu = host.createGuestIommu(vm, [SOURCE_ID]);
  prepare(iommu, host);
  const machine = new MachineCore({
    name: 'vm',
    guest: new WasmGuest({ image, memory, ramGpaBase: RAM, wasi: createWasi }),
    memory,
    regions,
    devices: [
      { device: new VirtualVtd(iommu), addresses: [IOMMU], firstIrq: 0 },
      {
        device: new DmaEngine(),
        addresses: [ENGINE],
        firstIrq: 1,
        dmaPort: host.dmaPort(iommu, SOURCE_ID),
      },
    ],
  });
  await machine.boot();
  const status = machine.step();
  const results = [...new Uint32Array(memory.buffer, AT.results, 16)];
  return { status, error: machine.error, results, host, vm, iommu, memory, machine };
}

const { DMA_STATUS_DONE: DONE, DMA_STATUS_READ_FAULT: FAULT, DMA_STATUS_STALLED: STALLED } = DMA;
const iotlb = { kind: 'pasid', did: DID, range: PAGE } as const;
const deviceTlb = { kind: 'device-tlb', sourceId: SOURCE_ID, range: PAGE } as const;

describe('a guest with a VT-d IOMMU', () => {
  it('has a stale IOTLB entry until its PASID-based IOTLB invalidation', async () => {
    const program = bringUp()
      .verify()
      .do(store64(AT.level1, 0n))
      .verify()
      .invalidate({ ...iotlb, range: { address: IOVA + 0x1000n, pages: 1n } })
      .verify()
      .invalidate({ ...iotlb, did: DID + 1 })
      .verify()
      .invalidate(iotlb)
      .verify();
    const { status, results, host, iommu } = await run(program);
    // An invalidation of another page or another domain changes nothing.
    expect([status, results.slice(0, 5)]).toEqual(['off', [DONE, DONE, DONE, DONE, FAULT]]);
    expect(host.iommu.physical.takeFaults()).toEqual([
      { sourceId: 0, address: IOVA, reason: 'first stage' },
    ]);
    expect(iommu.fd.describe().map(({ type }) => type)).toEqual(
      expect.arrayContaining(['HWPT_NESTED', 'VIOMMU', 'FAULT', 'VDEVICE']),
    );
  });

  it('has a stale device TLB entry until its device-TLB invalidation', async () => {
    const program = bringUp()
      .do(write32(ENGINE + DMA.DMA_ATS, DMA.DMA_ATS_ENABLE))
      .verify()
      .do(store64(AT.level1, 0n))
      .invalidate(iotlb)
      .verify()
      .invalidate({ ...deviceTlb, range: { address: IOVA + 0x1000n, pages: 1n } })
      .verify()
      .invalidate(deviceTlb)
      .verify();
    const { status, results } = await run(program);
    expect([status, results.slice(0, 4)]).toEqual(['off', [DONE, DONE, DONE, FAULT]]);
  });

  it('has page requests answered through the FAULT object of its vIOMMU', async () => {
    const program = bringUp()
      .do(
        store64(AT.level1, 0n),
        write32(ENGINE + DMA.DMA_ATS, DMA.DMA_ATS_ENABLE | DMA.DMA_ATS_PAGES),
      )
      .verify()
      .read(ENGINE + DMA.DMA_STATUS);
    const requests: unknown[] = [];
    let resolves = true;
    const prepare = (iommu: VtdGuestIommu) => {
      iommu.onPageRequest = (request) => {
        requests.push(request);
        if (resolves) iommu.vm.memory.store64(RAM + AT.level1, gpa(AT.data) | PTE);
        return resolves;
      };
    };
    const request = { virtId: SOURCE_ID, address: IOVA, write: false };
    // The engine continues at the exit after the access.
    const resolved = await run(program, prepare);
    expect([resolved.status, resolved.results.slice(0, 2)]).toEqual(['off', [DONE, DONE]]);
    expect(requests).toEqual([request]);
    resolves = false;
    const refused = await run(program, prepare);
    expect([refused.status, refused.results.slice(0, 2)]).toEqual(['off', [FAULT, FAULT]]);
    expect([requests.length, STALLED]).toEqual([2, 7]);
  });

  it('is stopped by an invalid descriptor, or one that names a device of others', async () => {
    for (const words of [
      new Uint32Array(8).fill(0xf),
      buildInvalidation({ ...deviceTlb, sourceId: 9 }),
    ]) {
      const { status, results } = await run(
        bringUp()
          .ring(words)
          .read(IOMMU + VTD.VTD_FSTS),
      );
      expect([status, results[0]]).toEqual(['off', maskInWord(VTD.VTD_FSTS_IQE)]);
    }
  });

  it('reaches its own memory alone, and without translation that by gpa', async () => {
    const untranslated = new Program()
      .do(
        `(i32.store (i32.const ${AT.data}) (i32.const ${PATTERN}))`,
        write32(ENGINE + DMA.DMA_SRC, RAM + AT.data),
        write32(ENGINE + DMA.DMA_PATTERN, PATTERN),
        write32(ENGINE + DMA.DMA_LENGTH, 4),
      )
      .verify();
    expect((await run(untranslated)).results[0]).toBe(DONE);
    // A leaf with an address outside its RAM.
    const beyond = bringUp()
      .do(store64(AT.level1, 0x10_0000_0000n | PTE))
      .invalidate(iotlb)
      .verify();
    const { results, host } = await run(beyond);
    expect(results[0]).toBe(FAULT);
    expect(host.iommu.physical.takeFaults().map(({ reason }) => reason)).toEqual(['second stage']);
  });
});
