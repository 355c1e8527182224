// The ID registers of a guest's SMMU and those of its host: what is judged by which, and what a VCMDQ takes although the guest's SMMU,
// by what it shows, does not have it.

import { expect, it } from 'vitest';
import {
  GUEST_ID_REGISTERS,
  guestIdRegisters,
  PHYSICAL_ID_REGISTERS,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import { atcInv, sync, tlbiNhVa, tlbiS12Vmall } from '../../../devices/tables/index.ts';
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
const line = (command: string, needs: string) =>
  `a: ${command} on a VCMDQ was accepted here, and is refused or ignored by an SMMU with the ID registers that this guest was shown; it takes ${needs}`;

it('a VCMDQ takes what the physical SMMU has, and the sanitizer says what the guest’s lacks, once', async () => {
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

it('says it when the machine ends, and nothing of what the guest was shown', async () => {
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
