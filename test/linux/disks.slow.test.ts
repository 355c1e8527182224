// SPDX-License-Identifier: MIT
// Disks with an SMMU, as used by an unmodified Linux, over MMIO and PCIe, with MSIs and
// wired interrupts: their data is correct while other unmaps continue, and no
// invalidation takes an exit or is omitted.

import { expect, test } from 'vitest';
import type { LinuxRunOptions } from '../../cli/linux-run.ts';
import { Random } from '../../devices/testing/index.ts';
import { MemoryDisk, VirtioBlock, VirtioPci } from '../../devices/virtio/index.ts';
import { boot } from '../support/linux-boot.ts';
import { THOROUGH } from '../support/thorough.ts';

const DISK_BYTES = (THOROUGH ? 64 : 4) * 2 ** 20;

function randomBytes(): Uint8Array<ArrayBuffer> {
  const random = new Random(1);
  const words = Uint32Array.from({ length: DISK_BYTES / 4 }, () => random.word());
  return new Uint8Array(words.buffer);
}

/** The result of linux/programs/checksum.c. */
function checksumOf(bytes: Uint8Array<ArrayBuffer>): number {
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(bytes.buffer)) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

type Machine = Required<Pick<LinuxRunOptions, 'path' | 'vcpus' | 'role' | 'msi'>> & {
  readonly bus: 'mmio' | 'pcie';
};

const COPY = 'checksum /dev/vda; dd if=/dev/vda of=/dev/vdb bs=65536 2>/dev/null; sync; state';

/** Copies the first disk to the second one, while each vCPU maps and unmaps. */
async function copyDisk({ bus, ...machine }: Machine) {
  const source = randomBytes();
  const target = new Uint8Array(DISK_BYTES);
  const disks = [new MemoryDisk(source), new MemoryDisk(target)];
  const pcie = disks.map((disk, i) => new VirtioPci(`disk${i}`, new VirtioBlock(disk, `${i}`)));
  const run = await boot(`bench ${machine.vcpus} 30 1 & ${COPY}; wait`, '', {
    ...machine,
    ...(bus === 'mmio' ? { disks } : { pcie }),
    iotlbCheck: true,
  });
  return { ...run, source, target };
}

/** The second disk's kind of interrupt, as in /proc/interrupts. */
const INTERRUPTS = {
  mmio: { its: /GICv3 +\d+ Level +virtio1$/m },
  pcie: {
    its: /ITS-PCI-MSIX-\S+ +\d+ Edge +virtio1-req\.0$/m,
    v2m: /GICv2m-PCI-MSIX-\S+ +\d+ Edge +virtio1-req\.0$/m,
    none: /GICv3 +\d+ Level +virtio1$/m,
  },
} as const;

test.each([
  { bus: 'mmio', msi: 'its', path: 'direct', vcpus: 1, role: 'guest' },
  { bus: 'mmio', msi: 'its', path: 'direct', vcpus: 2, role: 'guest' },
  { bus: 'mmio', msi: 'its', path: 'overlay', vcpus: 2, role: 'guest' },
  { bus: 'pcie', msi: 'its', path: 'direct', vcpus: 2, role: 'guest' },
  { bus: 'pcie', msi: 'its', path: 'direct', vcpus: 4, role: 'host' },
  { bus: 'pcie', msi: 'v2m', path: 'direct', vcpus: 2, role: 'guest' },
  { bus: 'pcie', msi: 'none', path: 'overlay', vcpus: 1, role: 'guest' },
] as const)(
  'a disk is read and written while unmaps go on: $bus, MSIs $msi, $path, $vcpus vCPUs, $role',
  async (machine) => {
    const { end, console, source, target, statistics, findings } = await copyDisk(machine);
    expect(end.status).toBe('off');
    expect(console).toMatch(/virtio_blk virtio1: .*\[vdb\]/);
    expect(console).toContain(`checksum ${checksumOf(source)} of ${DISK_BYTES} bytes`);
    expect(Buffer.compare(source, target)).toBe(0);
    expect(console).not.toMatch(
      /WARNING|BUG:|Oops|Call trace|timeout|failed to|unexpected|errno|I\/O error/,
    );
    expect(console).toMatch(/^taint 0$/m);
    const byBus: Partial<Record<string, RegExp>> = INTERRUPTS[machine.bus];
    expect(console).toMatch(byBus[machine.msi] ?? '');
    expect(findings).toEqual([]);
    const { byRegister } = statistics.exits;
    const rings = Object.entries(byRegister).filter(([name]) =>
      /(CMDQ\d*)_(PROD|CONS)$/.test(name),
    );
    // Those of probing and of attaching devices, not one for each of thousands of unmaps.
    expect(rings.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(60);
  },
);

test('a vCPU waits as long as the disk works, not to its next timer', async () => {
  const { console } = await boot(
    'cat /proc/uptime; dd if=/dev/vda of=/dev/null bs=1048576; cat /proc/uptime',
    '',
    { disks: [new MemoryDisk(randomBytes())] },
  );
  const [before, after] = [...console.matchAll(/^(\d+\.\d\d) \d+\.\d\d\r?$/gm)].map(([, s]) =>
    Number(s),
  );
  expect(console).toMatch(`${DISK_BYTES / 2 ** 20}+0 records out`);
  // 32 KiB in 32.8 us, and the CPU's work.
  expect(Number(after) - Number(before)).toBeLessThan((10 * DISK_BYTES) / 2 ** 30);
});
