// A vIOMMU of a VM over iommufd, request by request, as a VMM creates it for its guest's SMMU and
// CMDQV: stage 1 in the guest's tables, and a hardware queue that executes the guest's
// invalidations without an exit.

import {
  contextDescriptor,
  decodeEvent,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhVa,
  writeCd,
  writeCommand,
} from 'vsmmu/devices';
import {
  HW_QUEUE_TYPE_TEGRA241_CMDQV,
  HWPT_DATA_ARM_SMMUV3,
  Iommufd,
  VEVENT_HEADER_SIZE,
  VEVENTQ_TYPE_ARM_SMMUV3,
  VIOMMU_TYPE_TEGRA241_CMDQV,
} from 'vsmmu/iommufd';
import { SmmuHost } from 'vsmmu/iommufd/smmu';

const RAM = 0x8000_0000; // gpa
const RAM_SIZE = 0x10_0000;
const PHYSICAL_STREAM = 5;
const STREAM = 8; // as the guest numbers it
const IOVA = 0x4000_0000;
const ASID = 1;
// Registers of a VCMDQ in the page that is mapped into the guest.
const CONS = 0x0;
const PROD = 0x4;
const CONFIG = 0x8;

// The host's kernel: an SMMU whose CMDQV has two VINTFs, one of which the kernel keeps.
const host = await SmmuHost.create({ vintfs: 2 });

// The VMM: the guest's RAM, the stage 2 that maps it, and the vIOMMU with its one device.
const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const vm = host.createVm('vm0', memory, [{ gpa: RAM, offset: 0, size: RAM_SIZE }]);
const fd = new Iommufd();
const nic = host.addDevice('nic', PHYSICAL_STREAM, vm);
const device = fd.bind(nic);
const ioas = fd.ioasAlloc();
fd.ioasMap(ioas, { iova: BigInt(RAM), length: BigInt(RAM_SIZE), memory: vm, address: RAM });
const parent = fd.hwptAlloc({ device, parent: ioas, nestParent: true });
const { id: viommu, mmap } = fd.viommuAlloc({
  device,
  hwpt: parent,
  vm,
  type: VIOMMU_TYPE_TEGRA241_CMDQV,
  data: new Uint8Array(16),
});
fd.vdeviceAlloc({ viommu, device, virtId: BigInt(STREAM) });
const { file: events } = fd.veventqAlloc({ viommu, type: VEVENTQ_TYPE_ARM_SMMUV3, depth: 16 });

// The guest: its RAM, its allocator, its tables.
const ram = new BigUint64Array(memory.buffer);
let free = RAM;
const pages = {
  load64: (gpa) => ram[(gpa - RAM) / 8],
  store64(gpa, value) {
    ram[(gpa - RAM) / 8] = value;
  },
  allocate(size, alignment) {
    const at = Math.ceil(free / alignment) * alignment;
    free = at + size;
    return at;
  },
};
const table = new PageTable(pages, { stage: 1 });
const data = pages.allocate(0x1000, 0x1000);
table.map(IOVA, data, 0x1000, S1_READ_WRITE);
const context = pages.allocate(64, 64);
writeCd(
  pages,
  context,
  0,
  contextDescriptor({ asid: ASID, lower: { ttb: table.root, inputBits: 48 } }),
);

// The guest has issued CFGI_STE: the VMM reads the two doublewords of its STE about stage 1.
const ste = new Uint8Array(stage1Ste({ contextPtr: context }).buffer, 0, 16);
const nested = fd.hwptAlloc({
  device,
  parent: viommu,
  data: { type: HWPT_DATA_ARM_SMMUV3, bytes: ste },
});
fd.attach(device, nested);
const port = host.dmaPort(PHYSICAL_STREAM);
console.log('mapped:', port.write(IOVA, new TextEncoder().encode('by DMA')).ok);
console.log(new TextDecoder().decode(new Uint8Array(memory.buffer, data - RAM, 6).slice()));

// The guest has set up VCMDQ 0: the VMM allocates a hardware queue for it, and pins its ring.
const ring = pages.allocate(16 * 16, 16 * 16);
fd.hwQueueAlloc({
  viommu,
  type: HW_QUEUE_TYPE_TEGRA241_CMDQV,
  index: 0,
  iova: BigInt(ring),
  length: 16n * 16n,
});
// Page 0 of the VINTF, which the VMM maps into the guest (`page.placeInGuest`), so that accesses to
// its registers cause no exit. Here the VMM's own mapping stands for the guest's loads and stores.
const { page } = fd.mmap(mmap.offset, mmap.length);
page.write32(CONFIG, 1);

table.unmap(IOVA, 0x1000);
console.log('unmapped, not invalidated:', port.read(IOVA, new Uint8Array(6)).ok);
writeCommand(pages, ring, 0, tlbiNhVa(0, ASID, { address: IOVA }));
writeCommand(pages, ring, 1, sync());
page.write32(PROD, 2);
console.log('CONS', page.read32(CONS), 'invalidated:', port.read(IOVA, new Uint8Array(6)).ok);

// The kernel's interrupt handler passes the record on, with the guest's StreamID.
host.takeInterrupts();
const bytes = events.read(VEVENT_HEADER_SIZE + 32).slice(VEVENT_HEADER_SIZE);
const words = new Uint32Array(bytes.buffer);
console.log(decodeEvent([...words]).name, 'of StreamID', words[1]);

for (const { type, users, keeps } of fd.describe()) console.log(type, users, keeps);
fd.close();
host.removeDevice(nic);
host.destroyVm(vm);
console.log('closed:', port.read(IOVA, new Uint8Array(6)).ok);
