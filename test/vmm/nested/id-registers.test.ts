// SPDX-License-Identifier: MIT
// The ID registers of a guest's SMMU and those of its host: which of them apply to what,
// and what VCMDQs, CDs and tables support although the guest's ID registers do not
// advertise it.

import { expect, it } from 'vitest';
import {
  GUEST_ID_REGISTERS,
  guestIdRegisters,
  PHYSICAL_ID_REGISTERS,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import {
  atcInv,
  type PageTable,
  sync,
  tlbiNhVa,
  tlbiS12Vmall,
} from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import {
  attachStage1,
  IOVA,
  type LentVm,
  lendVm,
  STREAM,
  sendOnVcmdq,
  startVcmdq,
} from '../../support/lent-vm.ts';

const modules = await checkedModules();

const RANGE = tlbiNhVa(0, 5, { address: IOVA, range: { granule: 0x1000, num: 2, scale: 0 } });
const ALL_OF_ATC = atcInv({ streamId: STREAM, address: 0, size: 52 });
/** Neither ATS nor range invalidation. */
const BARE = { ...GUEST_ID_REGISTERS, idr0: 0x0c48389a, idr3: 4 };

async function lent(idRegisters: 'auto' | typeof BARE): Promise<{ host: VmHost; vm: LentVm }> {
  const host = await checkedHost(VmHost, { modules });
  const vm = lendVm(host, 'a');
  expect(new VirtualSmmu({ backend: vm.viommu, idRegisters }).name).toBe('smmuv3');
  attachStage1(vm);
  startVcmdq(vm);
  return { host, vm };
}

const texts = (host: VmHost) => host.unadvertised.map(({ text }) => text);
const used = (use: string, needs: string) =>
  `a: ${use} was accepted here, and is refused or ignored by an SMMU ` +
  `with the ID registers that this guest was shown; it takes ${needs}`;
const line = (command: string, needs: string) => used(`${command} on a VCMDQ`, needs);

it('a VCMDQ accepts what the physical SMMU supports, and the sanitizer reports once what the guest’s lacks', async () => {
  const { host, vm } = await lent(BARE);
  sendOnVcmdq(vm, ALL_OF_ATC, RANGE, tlbiS12Vmall(0), ALL_OF_ATC, sync());
  host.service(true);
  expect([vm.vintf.readPage0(0, 0), vm.errors]).toEqual([5, []]);
  const lines = [
    line('TLBI_S12_VMALL', 'IDR0.S2P'),
    line('ATC_INV', 'IDR0.ATS'),
    line('a TLBI with a range', 'IDR3.RIL'),
  ];
  expect(texts(host)).toEqual(lines);
  sendOnVcmdq(vm, ALL_OF_ATC, sync());
  host.service(true);
  expect(texts(host)).toEqual(lines);
});

it("is reported when the machine ends, without uses that the guest's ID registers advertise", async () => {
  const { host, vm } = await lent('auto');
  sendOnVcmdq(vm, ALL_OF_ATC, RANGE, sync());
  host.service(true);
  expect(texts(host)).toEqual([]);
  sendOnVcmdq(vm, tlbiS12Vmall(0), sync());
  host.destroyVm(vm.vm);
  expect(texts(host)).toEqual([line('TLBI_S12_VMALL', 'IDR0.S2P')]);
});

it.each([
  ['range invalidation', { idr3: 0x104 }, 'IDR3.RIL is 1, its host’s 0'],
  ['queues of 256 commands', { idr1: 0x00ea5510 }, 'IDR1.CMDQS is 8, its host’s 7'],
  ['4 KiB granules', { idr5: 0x04000065 }, 'IDR5.GRAN4K is 1, its host’s 0'],
])(
  'a guest that shows %s is refused on a host without, and fits it with `auto`',
  async (_, own, fault) => {
    const idRegisters = { ...PHYSICAL_ID_REGISTERS, ...own };
    const host = await VmHost.create({ modules, idRegisters });
    const { viommu } = lendVm(host, 'a');
    expect(viommu.hostIdRegisters).toEqual(idRegisters);
    expect(() => new VirtualSmmu({ backend: viommu, idRegisters: GUEST_ID_REGISTERS })).toThrow(
      new RangeError(`the ID registers of a guest do not fit its host: ${fault.replace('’', "'")}`),
    );
    const smmu = new VirtualSmmu({ backend: viommu });
    smmu.attach(new FakeHost());
    smmu.reset();
    const bus = new DeviceBus(smmu);
    const { idr1, idr3, idr5 } = guestIdRegisters(idRegisters);
    expect([4, 0xc, 0x14].map((offset) => bus.read32(offset))).toEqual([idr1, idr3, idr5]);
  },
);

/**
 * A host with more features than the default one: mixed endianness, RAZ/WI, 52 bits, DS.
 * Its guests are shown fewer.
 */
const RICH = { ...PHYSICAL_ID_REGISTERS, idr0: 0x080d3c9b, idr5: 0x040004f6 };
const { idr0: SHOWN0, idr3: SHOWN3, idr5: SHOWN5 } = guestIdRegisters(RICH);

const HA = 1 << 11;
const HD = 1 << 10;
interface CdCase {
  readonly shown: Partial<typeof BARE>;
  /** Bits of the CD's words 0 and 1 that are set, and cleared. */
  readonly set?: readonly [number, number];
  readonly clear?: readonly [number, number];
  readonly ttb?: bigint;
}
const CD_CASES: readonly (readonly [needs: string, CdCase])[] = [
  ['a larger IDR0.HTTU', { shown: { idr0: SHOWN0 & ~0xc0 }, set: [0, HA] }],
  ['a larger IDR0.HTTU', { shown: { idr0: (SHOWN0 & ~0xc0) | 0x40 }, set: [0, HA | HD] }],
  ['IDR0.ASID16', { shown: { idr0: SHOWN0 & ~0x1000 }, set: [0, 0x1000000] }],
  ['IDR0.TTENDIAN 0', { shown: { idr0: SHOWN0 | 0x400000 }, set: [0x8000, 0] }],
  ['IDR0.TERM_MODEL 0', { shown: { idr0: SHOWN0 | 0x4000000 }, clear: [0, 0x4000] }],
  ['a larger IDR5.OAS', { shown: { idr5: (SHOWN5 & ~7) | 2 }, ttb: 1n << 41n }],
  ['IDR5.GRAN4K', { shown: { idr5: SHOWN5 & ~0x10 } }],
  ['IDR5.GRAN16K', { shown: { idr5: SHOWN5 & ~0x20 }, set: [0x80, 0] }],
  ['IDR5.GRAN64K', { shown: { idr5: SHOWN5 & ~0x40 }, set: [0x40, 0] }],
  // 52-bit VAs: of 64 KiB granules by VAX, of 4 KiB ones by DS (bit 58 of TTB1's
  // doubleword, below).
  ['IDR5.VAX', { shown: { idr5: SHOWN5 & ~0x480 }, set: [0x4c, 0], clear: [0x3f, 0] }],
];

/**
 * A VM with these ID registers, with stage 1 for IOVA; `change` gets the gpa of the CD.
 */
async function shown(
  own: Partial<typeof BARE>,
  change: (vm: LentVm, cd: number, table: PageTable) => void,
): Promise<{ host: VmHost; vm: LentVm; access: () => boolean; hint: () => void }> {
  const host = await checkedHost(VmHost, { modules, idRegisters: RICH });
  const vm = lendVm(host, 'a');
  const idRegisters = { ...guestIdRegisters(RICH), ...own };
  expect(new VirtualSmmu({ backend: vm.viommu, idRegisters }).name).toBe('smmuv3');
  let cd = 0;
  const memory = {
    ...vm.memory,
    allocate: (size: number, alignment: number) => {
      const at = vm.memory.allocate(size, alignment);
      if (size === 64) cd = at;
      return at;
    },
  };
  const table = attachStage1({ viommu: vm.viommu, memory });
  change(vm, cd, table);
  const port = host.dmaPort(vm.viommu, STREAM);
  return {
    host,
    vm,
    access: () => port.read(IOVA, new Uint8Array(1)).ok,
    hint: () => port.hint?.(IOVA, 1, false),
  };
}

it.each(CD_CASES)('a CD that uses %s is named, once', async (needs, cdCase) => {
  const change = ({ memory }: LentVm, cd: number) => {
    const { set = [0, 0], clear = [0, 0], ttb } = cdCase;
    const word = ([low, high]: readonly [number, number]) =>
      (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    memory.store64(cd, (memory.load64(cd) & ~word(clear)) | word(set));
    if (ttb !== undefined) memory.store64(cd + 8, ttb);
  };
  const { host, access } = await shown(cdCase.shown, change);
  access();
  access();
  host.service(true);
  expect(texts(host)).toEqual([used('a CD', needs)]);
  const all = await shown({}, change);
  all.access();
  all.host.service(true);
  expect(texts(all.host)).toEqual([]);
});

it('a CD that a hint of a device is the first to read is named, once', async () => {
  const { host, access, hint } = await shown({ idr5: SHOWN5 & ~0x10 }, () => undefined);
  hint();
  const hinted = texts(host);
  access();
  host.service(true);
  expect([hinted, texts(host)]).toEqual([[], [used('a CD', 'IDR5.GRAN4K')]]);
});

it('a CD that uses DS for 52-bit VAs with 4 KiB granules is named', async () => {
  const change = ({ memory }: LentVm, cd: number) => {
    memory.store64(cd, (memory.load64(cd) & ~0x3fn) | 12n);
    memory.store64(cd + 16, 1n << 58n);
  };
  const { host, access } = await shown({ idr5: SHOWN5 & ~0x80 }, change);
  access();
  host.service(true);
  expect(texts(host)).toEqual([used('a CD', 'IDR5.DS')]);
});

it('a translation table that uses HAD is named only if it makes a difference', async () => {
  const run = async (bits: bigint) => {
    const { host, access } = await shown(
      { idr3: SHOWN3 & ~4 },
      ({ memory }: LentVm, cd: number, table: PageTable) => {
        memory.store64(cd + 8, memory.load64(cd + 8) | 2n);
        memory.store64(table.root, memory.load64(table.root) | bits);
      },
    );
    expect(access()).toBe(true);
    host.service(true);
    return texts(host);
  };
  // APTable: no unprivileged access.
  expect(await run(1n << 61n)).toEqual([used('a translation table', 'IDR3.HAD')]);
  expect(await run(0n)).toEqual([]);
});

it('an invalid CD counts as use of no feature', async () => {
  const { host, access } = await shown({ idr0: SHOWN0 & ~0xc0 }, ({ memory }, cd) => {
    memory.store64(cd, (memory.load64(cd) | (BigInt(HA) << 32n)) & ~0x8000_0000n);
  });
  expect(access()).toBe(false);
  host.service(true);
  expect(texts(host)).toEqual([]);
});
