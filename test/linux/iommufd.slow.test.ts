// SPDX-License-Identifier: MIT
// An unmodified Linux that lends a PCIe function and a VINTF to a program by VFIO and
// IOMMUFD (linux/programs/own-vcmdq.c): a VMM's work for a guest, on the kernel's own
// SMMU and CMDQV.

import { expect, test } from 'vitest';
import { IDR3_FWB } from '../../assembly/layout/smmu-registers.ts';
import { invalidationExits } from '../../cli/invalidation-exits.ts';
import type { LinuxRunOptions } from '../../cli/linux-run.ts';
import { DmaEnginePci } from '../../devices/dma-engine/index.ts';
import { withBits } from '../../devices/plugin/index.ts';
import { PHYSICAL_ID_REGISTERS } from '../../devices/smmuv3/id-registers.ts';
import { boot, expectInOrder } from '../support/linux-boot.ts';

const OWN = 'own-vcmdq /dev/vfio/devices/vfio0';

/** Lends the engine, executes commands, and then prints the kernel's messages. */
function bootHost(run: string, options: Partial<LinuxRunOptions> = {}) {
  return boot('', '', {
    role: 'host',
    pcie: [new DmaEnginePci('engine')],
    // The kernel's messages would appear within lines of the program.
    append: `console=ttyAMA0 quiet vsmmu.run="lend 0000:00:03.0; ${run}; dmesg; state"`,
    ...options,
  });
}

/** Trouble in the kernel's messages, which also contain the program's intended error. */
const TROUBLE =
  /WARNING|BUG:|Oops|Call trace|CMD_SYNC timeout|failed to|no more available|taint [^0]/;

const hex = (value: number) => `0x${value.toString(16)}`;

/** The program's output when a command at an index of its ring is refused: CERROR_ILL. */
const refusal = (name: string, index: number): readonly RegExp[] => [
  // The first LVCMDQ.
  new RegExp(`^event of ${name} 0x1 0x0$`, 'm'),
  new RegExp(`^CONS at the command ${hex(0x1000000 + index)}$`, 'm'),
  /^GERROR 0x1$/m,
  new RegExp(`^CONS after it ${hex(index + 2)}$`, 'm'),
];

/** The program's output after the TLBI, without ATS. */
const AFTER_TLBI = [
  /^read after the TLBI 0x2$/m,
  // F_TRANSLATION of a read by the guest's StreamID: stage 1, at the page.
  /^event of the vSMMU 0x800000010 0x20800000000 0x10000000 0x0$/m,
];
/** The same with ATS: the translation is still in the ATC. */
const AFTER_TLBI_ATS = [
  /^read after the TLBI 0x1$/m,
  /^CONS after the ATC_INV 0x4$/m,
  /^read after the ATC_INV 0x2$/m,
];

/** The program's output: states of the engine, and registers. */
function steps(lvcmdqs: number, hasAts = false): readonly RegExp[] {
  const sent = hasAts ? 4 : 2;
  return [
    /^bound 0x[0-9a-f]+$/m,
    /^nest parent 0x[0-9a-f]+$/m,
    /^vIOMMU 0x[0-9a-f]+$/m,
    /^vDEVICE 0x8$/m,
    /^nested 0x[0-9a-f]+$/m,
    new RegExp(`^HW queues ${hex(lvcmdqs)}$`, 'm'),
    /^VCMDQ status 0x1$/m,
    /^read of the page 0x1$/m,
    // The translation is still in the IOTLB.
    /^read without an entry 0x1$/m,
    /^CONS after the TLBI 0x2$/m,
    ...(hasAts ? AFTER_TLBI_ATS : AFTER_TLBI),
    ...refusal('an unknown command', sent),
    ...refusal('another StreamID', sent + 2),
    /^own-vcmdq ends$/m,
  ];
}

/**
 * The interrupt handler's message: it is VINTF 1, whose first VCMDQ follows those of
 * VINTF 0.
 */
const error = (vcmdq: number) =>
  new RegExp(
    `tegra241_cmdqv: unexpected error reported\\. vintf_map: 0{15}2, vcmdq_map 0+:0+:0+:0*${(1 << vcmdq).toString(16)}$`,
    'm',
  );

/** Exits for SMMU and CMDQV, and CMD_SYNCs, before and after the program's TLBI. */
function tlbiWatch() {
  const samples: { exits: number; syncs: number }[] = [];
  const onLine: LinuxRunOptions['onLine'] = (line, machine) => {
    if (!/^read without an entry|^CONS after the TLBI/.test(line)) return;
    samples.push({ exits: invalidationExits(machine), syncs: machine.statistics.vcmdq.syncs });
  };
  return { samples, onLine };
}

test.each([
  [1, 2],
  [4, 4],
])('a program invalidates by its own VCMDQ without an exit: %i vCPUs', async (vcpus, lvcmdqs) => {
  const { samples, onLine } = tlbiWatch();
  const { end, console } = await bootHost(`${OWN}; ${OWN}`, { vcpus, onLine });
  expect(end.status).toBe('off');
  // The second time, everything that the first one had allocated is free again.
  const again = steps(lvcmdqs);
  expectInOrder(console, [...again, ...again, error(lvcmdqs), error(lvcmdqs), /^taint 0$/m]);
  expect(console).not.toMatch(TROUBLE);
  const [before, after, ...second] = samples;
  expect(after).toEqual({ exits: before?.exits, syncs: (before?.syncs ?? 0) + 1 });
  expect(second[1]?.exits).toBe(second[0]?.exits);
});

test('its ATC_INV reaches the ATC of its device, and no other StreamID', async () => {
  const { console } = await bootHost(`${OWN} ats; ${OWN} ats`);
  const again = steps(2, true);
  expectInOrder(console, [...again, ...again, /^taint 0$/m]);
  expect(console).not.toMatch(TROUBLE);
});

test('on the trapped path, the program’s doorbell is an exit', async () => {
  const { samples, onLine } = tlbiWatch();
  const { console } = await bootHost(OWN, { path: 'trapped', onLine });
  expectInOrder(console, [...steps(2), /^taint 0$/m]);
  expect(console).not.toMatch(TROUBLE);
  // One write of PROD, and at least one read of CONS.
  const exits = samples.map((sample) => sample.exits);
  expect(exits[1]).toBeGreaterThanOrEqual((exits[0] ?? 0) + 2);
});

test('Grace’s own ID registers allow it as well', async () => {
  const { console } = await bootHost(OWN, { idRegisters: 'grace' });
  expectInOrder(console, [...steps(2), /^taint 0$/m]);
  expect(console).not.toMatch(TROUBLE);
});

/** The first failing call, by errno, and the last step before it. */
const REFUSED = [
  [
    'MSIs that are not isolated',
    { msi: 'v2m' },
    'VFIO_DEVICE_BIND_IOMMUFD: not permitted (errno 1): the MSIs of the function are not isolated: boot with --msi its',
    undefined,
  ],
  [
    'no MSIs',
    { msi: 'none' },
    'VFIO_DEVICE_BIND_IOMMUFD: not permitted (errno 1): the MSIs of the function are not isolated: boot with --msi its',
    undefined,
  ],
  [
    'an SMMU without S2FWB',
    {
      shownIds: {
        ...PHYSICAL_ID_REGISTERS,
        idr3: withBits(PHYSICAL_ID_REGISTERS.idr3, IDR3_FWB, 0),
      },
    },
    'VIOMMU_ALLOC: not supported (errno 95): the SMMU has no CMDQV, or lacks IDR3.FWB',
    'nest parent',
  ],
  [
    'a CMDQV with one VINTF, the kernel’s own',
    { vintfs: 1, vcmdqs: 2 },
    'VIOMMU_ALLOC: none left (errno 28): no VINTF is left: boot with more --vintfs',
    'nest parent',
  ],
  [
    'a guest’s SMMU, of one stage',
    { role: 'guest' },
    'HWPT_ALLOC of the nest parent: not supported (errno 95): the SMMU of a guest has no stage 2: boot with --role host',
    'bound',
  ],
] as const;

test.each(REFUSED)('%s: the kernel refuses', async (_, options, refusal, last) => {
  const { end, console } = await bootHost(OWN, options);
  expect(end.status).toBe('off');
  const lines = console.split('\n');
  const steps = lines.filter((line) =>
    /^(bound|nest parent|vIOMMU|HW queues|\S+ ends)\b/.test(line),
  );
  expect(lines).toContain(`own-vcmdq: cannot perform ${refusal}`);
  expect(steps.at(-1)?.replace(/ 0x\w+$/, '')).toBe(last);
  expect(console).toMatch(/^taint 0$/m);
});
