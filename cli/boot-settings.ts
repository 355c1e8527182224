// SPDX-License-Identifier: MIT
// Options of `vsmmu boot`: those of a host, of a machine, and of a whole run. A --config file
// contains such an object.

import type * as v from 'valibot';
import type { QueueErrorDecision, VirtMsi, VirtRole } from '../vmm/api/index.ts';
import { integer, oneOf, option, text, texts, yesNo } from '../vmm/api/option-values.ts';
import { HOST_SETTINGS, MACHINE_SETTINGS } from '../vmm/api/settings.ts';
import { EXPERIMENTS, TOY_PATHS } from '../vmm/boards/index.ts';

const MAX_VMS = 16;
const MAX_TIMEOUT_SECONDS = 86_400;

// Machines of a run are named vm0, vm1, and so on, and have devices behind all SMMUs.
const { name: _, behind: _all, ...machine } = MACHINE_SETTINGS;

/** What happens to bad commands: `QueueErrorDecision`. */
const DECISIONS = [
  'report',
  'skip',
  'emulate',
  'stop',
] as const satisfies readonly QueueErrorDecision[];

/** MSI controllers and roles of an arm64 kernel. */
const MSIS = ['its', 'v2m', 'none'] as const satisfies readonly VirtMsi[];
const ROLES = ['guest', 'host'] as const satisfies readonly VirtRole[];

/** The architecture of a guest, which selects the standard board or the board `virt`. */
const ARCHITECTURES = ['wasm', 'arm64'] as const;

export const BOOT_SETTINGS = {
  guest: option(text, '"toy", "linux", or the path of a WebAssembly guest or of a kernel'),
  arch: option(
    oneOf(ARCHITECTURES),
    'architecture of the guest; arm64: a kernel, or the toy as one, on the board virt (default: wasm)',
  ),
  initrd: option(text, 'initial RAM disk of an arm64 kernel', { value: 'file' }),
  append: option(text, 'command line of an arm64 kernel'),
  translate: option(yesNo, 'interpret all code of an arm64 kernel, even frequent code', {
    negative: true,
  }),
  semihosting: option(
    yesNo,
    'make HLT #0xF000 of an arm64 kernel a semihosting call, which prints or ends the machine',
  ),
  testdev: option(
    yesNo,
    'add a virtio console to an arm64 kernel for commands of tests: "Nq" ends the machine with ' +
      'exit code N',
  ),
  gdb: option(
    integer(0, 65535),
    'TCP port, for this computer only, for GDB to debug an arm64 kernel; 0: a free one',
    { value: 'port' },
  ),
  gdbWait: option(yesNo, 'with --gdb: halt before the first instruction until GDB continues'),
  icacheCheck: option(
    yesNo,
    'look for instructions that an arm64 kernel stores and executes without IC and ISB',
    { flag: 'check-icache' },
  ),
  disks: option(
    texts,
    'disk of an arm64 kernel behind the SMMU; writes are lost with the machine, or go to the file ' +
      'if ",rw" follows its name; with ",pci" it is a PCIe function; may be repeated, up to four ' +
      'times without ",pci"',
    { flag: 'disk', value: 'file' },
  ),
  pcie: option(
    texts,
    'PCIe function of an arm64 kernel behind the SMMU: rng, net (loops back; with ",hub", all ' +
      'machines share a wire), console (hvc0), dma, or testdev (for tests); with ",port" behind a ' +
      'root port; may be repeated',
    { value: 'function' },
  ),
  kernel: option(text, 'kernel for "linux" (default: the one of npm run linux:build)', {
    value: 'file',
  }),
  role: option(
    oneOf(ROLES),
    'role of an arm64 kernel: a guest with a borrowed VINTF, or a host that owns SMMU and CMDQV ' +
      '(default: guest)',
  ),
  msi: option(
    oneOf(MSIS),
    'where devices of an arm64 machine send MSIs: an ITS, a GICv2m frame, or nowhere (default: its)',
  ),
  run: option(
    text,
    'shell commands that "linux" runs before it powers off; the run fails if their status is not 0 ' +
      '(default: a shell)',
  ),
  secondary: option(text, 'program of the secondary vCPUs (default: the toy has its own)', {
    value: 'file',
  }),
  devices: option(
    texts,
    'module of a device plugin, whose export `device` creates a device; may be repeated',
    { flag: 'device', value: 'file' },
  ),
  path: option(
    oneOf(TOY_PATHS),
    'path of the invalidations of a kernel, or of the toy, where "all" compares them (default: all)',
  ),
  experiment: option(
    oneOf(EXPERIMENTS.map(({ name }) => name)),
    `run one experiment of the toy instead of its whole program: ${EXPERIMENTS.map(({ name }) => name).join(', ')}`,
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
    'what happens to bad commands of guests, before the guests see an error (default: report)',
  ),
  trace: option(text, 'write a trace to this file, in Chrome trace event format', {
    value: 'file',
  }),
  timeout: option(integer(1, MAX_TIMEOUT_SECONDS), 'the run fails if it takes longer than this', {
    value: 'seconds',
  }),
  quiet: option(yesNo, 'print no consoles and no progress, and only the failures of the report'),
  json: option(
    yesNo,
    'print one JSON object on standard output; the consoles go to standard error',
  ),
};

/** The checked options of a run. */
export type BootSettings = v.InferOutput<v.StrictObjectSchema<typeof BOOT_SETTINGS, undefined>>;
