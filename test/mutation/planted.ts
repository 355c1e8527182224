// SPDX-License-Identifier: MIT
// Bugs that no test noticed once. Each names the test files that notice it now.

import type { Edit } from './mutant-program.ts';

export interface PlantedBug {
  /** What the code does wrong. */
  readonly bug: string;
  /** A source of the tree, and a text that occurs in it once. */
  readonly edit: Edit;
  readonly tests: readonly string[];
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    bug: 'a broadcast reaches an SMMU whose CR2.PTM is 1',
    edit: {
      file: 'assembly/vcmdq-drain/broadcast.ts',
      original: 'bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_PTM)',
      mutant: 'false',
    },
    tests: ['test/vmm/nested/btm.slow.test.ts'],
  },
  {
    bug: 'each CFGI_STE leaves a nested HWPT behind',
    edit: {
      file: 'vmm/nested/nested-streams.ts',
      original: 'if (stream.nested !== undefined) this.#fd.destroy(stream.nested);',
      mutant: '',
    },
    tests: ['test/vmm/nested/host.test.ts'],
  },
  {
    bug: 'a StreamID pair outlives its vDEVICE',
    edit: {
      file: 'host/kernel/arm/arm-viommu.ts',
      original: 'for (const pairs of this.sidPairs) pairs.clear(pair);',
      mutant: '',
    },
    tests: ['test/host/kernel/arm-iommufd.test.ts'],
  },
  {
    bug: 'a reset of the vSMMU invalidates nothing',
    edit: {
      file: 'devices/smmuv3/virtual-smmu.ts',
      original: 'this.#refusals?.reset();\n    this.#backend.invalidateAll();',
      mutant: 'this.#refusals?.reset();',
    },
    tests: ['test/devices/smmuv3/virtual-smmu.test.ts'],
  },
  {
    bug: 'an endpoint takes the answer to another stalled transaction',
    edit: {
      file: 'assembly/smmu-core/stall.ts',
      original: '(word & ~STATE) != packed(sid, stag, 0) || ',
      mutant: '',
    },
    tests: ['test/assembly/stall.test.ts'],
  },
  {
    bug: 'a translation ends beyond the last byte of a guest region',
    edit: {
      file: 'assembly/guest-port/index.ts',
      original: ' && u64(length) <= u64(u32(size)) - at',
      mutant: '',
    },
    tests: ['test/assembly/physical-memory.test.ts'],
  },
  {
    bug: 'a device reaches beyond the last byte of a guest region',
    edit: {
      file: 'devices/bus/guest-memory.ts',
      original: 'gpa + length <= region.gpa + region.size',
      mutant: 'gpa < region.gpa + region.size',
    },
    tests: ['test/devices/bus/guest-memory.test.ts'],
  },
  {
    bug: 'the core reaches beyond the last byte of host RAM',
    edit: {
      file: 'assembly/smmu-core/physical-memory.ts',
      original: ' && length <= u32(RAM_SIZE) - address',
      mutant: '',
    },
    tests: ['test/assembly/physical-memory.test.ts'],
  },
  {
    bug: 'a queue lies beyond the last byte of host RAM',
    edit: {
      file: 'devices/unit/unit.ts',
      original: 'address + length <= size',
      mutant: 'address < size',
    },
    tests: ['test/assembly/physical-memory.test.ts'],
  },
  {
    bug: 'a device reaches beyond the last byte of host RAM',
    edit: {
      file: 'devices/unit/physical-ram.ts',
      original: 'pa + length <= this.size',
      mutant: 'pa < this.size',
    },
    tests: ['test/devices/unit/physical-ram.test.ts'],
  },
  {
    bug: 'a reset of the CMDQV forgets whose memory a lent VINTF reaches',
    edit: {
      file: 'devices/cmdqv/physical-cmdqv.ts',
      original: 'Object.assign(context, { window, ',
      mutant: 'Object.assign(context, { ',
    },
    tests: ['test/devices/cmdqv/physical-cmdqv.test.ts'],
  },
  {
    bug: 'the driver detaches a stream without CFGI_STE',
    edit: {
      file: 'guest-driver/driver/stream-table.ts',
      original: 'atomic.store<u64>(ste, abortWord());\n  return invalidateSte(sid);',
      mutant: 'atomic.store<u64>(ste, abortWord());\n  return RESULT_OK;',
    },
    tests: ['test/guest-driver/structures.test.ts'],
  },
  {
    bug: 'the driver gives a command up at CERROR_ATC_INV_SYNC',
    edit: {
      file: 'guest-driver/driver/error-skip.ts',
      original: 'code != CERROR_ABT && code != CERROR_ATC_INV_SYNC',
      mutant: 'code != CERROR_ABT',
    },
    tests: ['test/guest-driver/errors.test.ts'],
  },
  {
    bug: 'a VCMDQ takes bits of CONS above the wrap bit when it is enabled',
    edit: {
      file: 'assembly/vcmdq-drain/serve.ts',
      original: 'atomic.store<u32>(queue, cons & indexMask, QUEUE_CONS);',
      mutant: 'atomic.store<u32>(queue, cons, QUEUE_CONS);',
    },
    tests: ['test/assembly/vcmdq-drain.test.ts'],
  },
  {
    bug: 'an ECMDQ takes bits of CONS above the wrap bit when it is enabled',
    edit: {
      file: 'assembly/vcmdq-drain/ecmdq.ts',
      original: 'atomic.store<u32>(queue, cons & indexMask, QUEUE_CONS);',
      mutant: 'atomic.store<u32>(queue, cons, QUEUE_CONS);',
    },
    tests: ['test/vmm/nested/direct-ecmdqs.slow.test.ts'],
  },
];
