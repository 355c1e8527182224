// SPDX-License-Identifier: MIT
// The functions that `vsmmu boot linux --pcie` plugs in, as found and used by an
// unmodified Linux with an SMMU.

import { expect, test } from 'vitest';
import { isKernelBuilt } from '../support/linux-kernel.ts';
import { vsmmuProcess } from '../support/vsmmu-command.ts';

const RUN = [
  'for d in /sys/bus/pci/devices/*; do echo $d $(cat $d/vendor $d/device) $(readlink $d/iommu_group); done',
  'cat /sys/class/misc/hw_random/rng_available',
  'dd if=/dev/hwrng of=/random bs=512 count=1 2>/dev/null',
  'checksum /random',
  'echo by hvc0 >/dev/hvc0',
  'state',
].join('; ');

/**
 * The IDs of the functions: rng, a port, the console below it, the engine, the network.
 */
const FUNCTIONS = ['0x1af4 0x1044', '0x1b36 0x000c', '0x1234 0x4d44', '0x1af4 0x1041'];

test.skipIf(!isKernelBuilt).each([
  ['guest', 'its', /ITS-PCI-MSIX-0000:01:00\.0 +2 Edge +virtio2-output/],
  ['guest', 'none', /GICv3 +\d+ Level +virtio2/],
  ['host', 'its', /ITS-PCI-MSIX-0000:01:00\.0 +2 Edge +virtio2-output/],
])('functions by --pcie: role %s, MSIs by %s', async (role, msi, interrupts) => {
  const functions = ['rng', 'console,port', 'dma', 'net'].flatMap((one) => ['--pcie', one]);
  const options = [...functions, '--role', role, '--msi', msi, '--seed', '7', '--timeout', '120'];
  const boot = () => vsmmuProcess('boot', 'linux', ...options, '--run', RUN);
  const { status, stdout } = await boot();
  expect([status, /^taint (\d+)$/m.exec(stdout)?.[1]]).toEqual([0, '0']);
  const found = FUNCTIONS.map((ids, i) =>
    new RegExp(`0000:00:0${3 + i}\\.0 ${ids} .*iommu_groups/\\d+$`, 'm').test(stdout),
  );
  expect(found).toEqual(FUNCTIONS.map(() => true));
  expect(stdout).toMatch(/0000:01:00\.0 0x1af4 0x1043 .*iommu_groups\/\d+$/m);
  expect(stdout).toMatch(/^virtio_rng\.0/m);
  expect(stdout).toMatch(/^by hvc0/m);
  expect(stdout).toMatch(interrupts);
  // The same seed gives the same bytes.
  const checksum = (text: string) => /^checksum \d+ of 512 bytes$/m.exec(text)?.[0];
  expect(checksum(stdout)).toBeDefined();
  expect(checksum((await boot()).stdout)).toBe(checksum(stdout));
});
