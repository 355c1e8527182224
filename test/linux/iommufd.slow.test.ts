// SPDX-License-Identifier: MIT
// An unmodified Linux that lends a PCIe function and a VINTF to a program by VFIO and IOMMUFD
// (linux/programs/own-vcmdq.c): what a VMM does for a guest, on the kernel's own SMMU and CMDQV.

import { expect, test } from 'vitest';
import { invalidationExits } from '../../cli/invalidation-exits.ts';
import type { LinuxRunOptions } from '../../cli/linux-run.ts';
import { DmaEnginePci } from '../../devices/dma-engine/index.ts';
import { PHYSICAL_ID_REGISTERS } from '../../devices/smmuv3/index.ts';
import { boot, expectInOrder, TROUBLE } from '../support/linux-boot.ts';

const LEND = 'lend 0000:00:03.0; own-vcmdq /dev/vfio/devices/vfio0';

/** What the program does with the one PCIe function, an engine. */
function bootHost(run: string, options: Partial<LinuxRunOptions> = {}) {
  return boot(run, '', { role: 'host', pcie: [new DmaEnginePci('engine')], ...options });
}

/** What the program prints when all works: the hexadecimal results of DMA_STATUS, and registers. */
const STEPS = [
  /^bound 0x[0-9a-f]+$/m,
  /^nest parent 0x[0-9a-f]+$/m,
  /^vIOMMU 0x[0-9a-f]+$/m,
  /^vDEVICE 0x8$/m,
  /^nested 0x[0-9a-f]+$/m,
  /^HW queues 0x2$/m,
  /^VCMDQ status 0x1$/m,
  /^read of the page 0x1$/m,
  // The translation is still cached.
  /^read without an entry 0x1$/m,
  /^CONS after the TLBI 0x2$/m,
  /^read after the TLBI 0x2$/m,
  // F_TRANSLATION of the guest's StreamID, at the page.
  /^event of the vSMMU 0x8[0-9a-f]{8}10 0x[0-9a-f]+ 0x10000000 0x0$/m,
  /^event of the vCMDQV 0x1 0x0$/m,
  // CERROR_ILL at the third command.
  /^CONS at the unknown command 0x1000002$/m,
  /^GERROR 0x1$/m,
  /^CONS after the error 0x4$/m,
  /^own-vcmdq ends$/m,
];

test('a program invalidates by its own VCMDQ without an exit, and reads its events', async () => {
  const samples: { exits: number; syncs: number }[] = [];
  const { end, console, statistics } = await bootHost(`${LEND}; ${LEND}; state`, {
    onLine: (line, machine) => {
      if (/^read without an entry|^CONS after the TLBI/.test(line))
        samples.push({
          exits: invalidationExits(machine),
          syncs: machine.statistics.vcmdq.syncs,
        });
    },
  });
  expect(end.status).toBe('off');
  // The second time, all that the first one has allocated is free again.
  expectInOrder(console, [...STEPS, ...STEPS, /^taint 0$/m]);
  expect(samples).toHaveLength(4);
});
