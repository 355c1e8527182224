// SPDX-License-Identifier: MIT
// Options of `vsmmu boot`: those of a host and of a machine, and what a whole run has
// beside them. A --config file is such an object.

import type * as v from 'valibot';
import type { QueueErrorDecision, VirtMsi, VirtRole } from '../vmm/api/index.ts';
import { integer, oneOf, option, text, texts, yesNo } from '../vmm/api/option-values.ts';
import { HOST_SETTINGS, MACHINE_SETTINGS } from '../vmm/api/settings.ts';
import { EXPERIMENTS, TOY_PATHS } from '../vmm/boards/index.ts';

const MAX_VMS = 16;
const MAX_TIMEOUT_SECONDS = 86_400;

// Machines of a run are called vm0, vm1, and so on, and are behind all SMMUs.
const { name: _, behind: _all, ...machine } = MACHINE_SETTINGS;

/** What becomes of bad commands: `QueueErrorDecision`. */
const DECISIONS = [
  'report',
  'skip',
  'emulate',
  'stop',
] as const satisfies readonly QueueErrorDecision[];

/** Whose SMMU and CMDQV a kernel has. */
const MSIS = ['its', 'v2m', 'none'] as const satisfies readonly VirtMsi[];
const ROLES = ['guest', 'host'] as const satisfies readonly VirtRole[];

/** What guests are made for: machines of the standard board, or of the board `virt`. */
const ARCHITECTURES = ['wasm', 'arm64'] as const;

export const BOOT_SETTINGS = {
  guest: option(text, '"toy", "linux", or the path of a WebAssembly guest or of a kernel'),
  arch: option(
    oneOf(ARCHITECTURES),
    'what the guest is made for; arm64: a kernel, or the toy as one, on the board virt (default: wasm)',
  ),
  initrd: option(text, 'initial RAM disk of an arm64 kernel', { value: 'file' }),
  append: option(text, 'command line of an arm64 kernel'),
  translate: option(yesNo, 'interpret all of an arm64 kernel, also what it executes often', {
    negative: true,
  }),
  semihosting: option(
    yesNo,
    'HLT #0xF000 of an arm64 kernel is a semihosting call: it prints, and ends the machine',
  ),
  testdev: option(
    yesNo,
    'a virtio console of an arm64 kernel that takes commands of tests: "Nq" ends the machine with exit code N',
  ),
  gdb: option(
    integer(0, 65535),
    'TCP port of this computer alone at which GDB debugs an arm64 kernel; 0: one that is free',
    { value: 'port' },
  ),
  gdbWait: option(yesNo, 'with --gdb: halt before the first instruction, until GDB continues'),
  icacheCheck: option(
    yesNo,
    'look for instructions that an arm64 kernel stores and executes without IC and ISB',
    { flag: 'check-icache' },
  ),
  disks: option(
    texts,
    'disk of an arm64 kernel behind the SMMU; with ",rw" behind its name it is written to, else what is ' +
      'written goes with the machine; with ",pci" it is a PCIe function; may be repeated, up to four ' +
      'without ",pci"',
    { flag: 'disk', value: 'file' },
  ),
  pcie: option(
    texts,
    'PCIe function of an arm64 kernel behind the SMMU: rng, net (a loop; with ",hub" all machines on one ' +
      'wire), console (hvc0), dma, or testdev (for tests); with ",port" behind a root port; may be repeated',
    { value: 'function' },
  ),
  kernel: option(text, 'kernel that "linux" stands for (default: the one of npm run linux:build)', {
    value: 'file',
  }),
  role: option(
    oneOf(ROLES),
    'what an arm64 kernel is: a guest with a borrowed VINTF, or a host that owns SMMU and CMDQV (default: guest)',
  ),
  msi: option(
    oneOf(MSIS),
    'where the devices of an arm64 machine send their MSIs: an ITS, a GICv2m frame, or nowhere (default: its)',
  ),
  run: option(text, 'shell commands that "linux" does before it powers off (default: a shell)'),
  secondary: option(text, 'program of the secondary vCPUs (default: the toy has its own)', {
    value: 'file',
  }),
  devices: option(
    texts,
    'module of a device plugin, whose export `device` makes one; may be repeated',
    { flag: 'device', value: 'file' },
  ),
  path: option(
    oneOf(TOY_PATHS),
    'path of the invalidations of the toy, where "all" compares them (default: all), or of a kernel',
  ),
  experiment: option(
    oneOf(EXPERIMENTS.map(({ name }) => name)),
    `one thing that the toy shows, in place of all: ${EXPERIMENTS.map(({ name }) => name).join(', ')}`,
    { value: 'name' },
  ),
  vms: option(
    integer(1, MAX_VMS),
    `machines on one host, 1 to ${MAX_VMS} (default: 2 for the toy, 1 for other guests)`,
  ),
  ...machine,
  ...HOST_SETTINGS,
  onQueueError: option(
    oneOf(DECISIONS),
    "what becomes of the guests' bad commands before a guest sees anything of them (default: report)",
  ),
  trace: option(text, 'write what happens to this file, in Chrome trace event format', {
    value: 'file',
  }),
  timeout: option(integer(1, MAX_TIMEOUT_SECONDS), 'the run fails when it takes longer than this', {
    value: 'seconds',
  }),
  quiet: option(yesNo, 'print neither consoles nor progress, and of the report only what failed'),
  json: option(
    yesNo,
    'print one JSON object on standard output; the consoles go to standard error',
  ),
};

/** The options of a run, checked. */
export type BootSettings = v.InferOutput<v.StrictObjectSchema<typeof BOOT_SETTINGS, undefined>>;
