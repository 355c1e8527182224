// SPDX-License-Identifier: MIT
// An iommufd over the SMMU, as a user of the package works it: what its objects say is what DMA finds.

import { describe, expect, it } from 'vitest';
import { GRACE_ID_REGISTERS, PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { Iommufd } from '../../../host/iommufd/index.ts';
import { SmmuHost } from '../../../host/kernel/smmu-host.ts';

const STREAM = 5;

async function setup() {
  const host = await SmmuHost.create();
  const fd = new Iommufd();
  const nic = host.addDevice('nic', STREAM);
  const device = fd.bind(nic);
  const ioas = fd.ioasAlloc();
  const page = host.allocate(0x1000);
  const map = (iova: bigint, writable = true) =>
    fd.ioasMap(ioas, { iova, length: 0x1000n, memory: host.memory, address: page, writable });
  const port = host.dmaPort(STREAM);
  const writes = (iova: number) => port.write(iova, Uint8Array.of(7)).ok;
  return { host, fd, nic, device, ioas, page, map, port, writes };
}

describe('an iommufd over the SMMU', () => {
  it('blocks a device that is bound, attached to nothing, or taken back', async () => {
    const { host, fd, device, ioas, map, writes, page } = await setup();
    map(0x4000n);
    const seen = [writes(0x4000)];
    fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
    seen.push(writes(0x4000));
    fd.detach(device);
    seen.push(writes(0x4000));
    fd.close();
    seen.push(writes(0x4000));
    expect(seen).toEqual([false, true, false, false]);
    expect(host.bytes(page, 1)).toEqual(Uint8Array.of(7));
  });

  it('maps, protects and unmaps while the device is at it', async () => {
    const { host, fd, device, ioas, map, writes, port } = await setup();
    fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
    map(0x4000n);
    map(0x8000n, false);
    expect([writes(0x4000), writes(0x8000), port.read(0x8000, new Uint8Array(1)).ok]).toEqual([
      true,
      false,
      true,
    ]);
    expect(host.translate(STREAM, 0x8000, 4)).toMatchObject({ ok: true, length: 4 });
    fd.ioasUnmap(ioas, 0x4000n, 0x1000n);
    expect(writes(0x4000)).toBe(false);
    // The write to the read-only page, and the one to the unmapped page.
    expect([host.takeInterrupts(), host.takeInterrupts()]).toEqual([2, 0]);
  });

  it('maps RAM that there is, and nothing else', async () => {
    const { host, fd, ioas } = await setup();
    const beyond = { iova: 0n, length: 0x1000n, memory: host.memory, address: 2 ** 32 };
    expect(() => fd.ioasMap(ioas, beyond)).toThrow(expect.objectContaining({ errno: 'EFAULT' }));
    expect(host.bytes(2 ** 32, 1)).toBeUndefined();
  });

  it('has devices that come and go', async () => {
    const { host, fd, nic, device } = await setup();
    fd.unbind(device);
    host.removeDevice(nic);
    const again = fd.bind(host.addDevice('nic', STREAM));
    expect(fd.describe().map(({ id }) => id)).toContain(again);
  });

  it('has RAM for the queues of its SMMU, however large', async () => {
    for (const [idRegisters, vcmdqs] of [
      [GRACE_ID_REGISTERS, 2],
      [GRACE_ID_REGISTERS, 8],
      [PHYSICAL_ID_REGISTERS, 128],
    ] as const) {
      const host = await SmmuHost.create({ idRegisters, vcmdqs });
      const page = host.allocate(0x1000);
      const fd = new Iommufd();
      const device = fd.bind(host.addDevice('nic', STREAM));
      const ioas = fd.ioasAlloc();
      fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
      fd.ioasMap(ioas, { iova: 0n, length: 0x1000n, memory: host.memory, address: page });
      expect(host.dmaPort(STREAM).read(0, new Uint8Array(1)).ok).toBe(true);
      fd.close();
    }
  });
});
