// SPDX-License-Identifier: MIT
// Mistakes in the command line, a file, a configuration, a guest or a plugin are reported
// in one line, with status 2: no stack trace, nothing on standard output, and no thread
// that keeps the process alive. A sample runs as processes, which must end by themselves.

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';
import { type Outcome, vsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';
import { command, IMPORT_MEMORY, leb, name, section, vector } from '../support/wasm-bytes.ts';
import { assemble, IMPORT_READ32, reactor } from '../support/wat.ts';

const RUN = '(func $run (param i32) (result i32) (i32.const 2))';
const FREE_GPA = 0x10000000;
const DEVICES = join(PROJECT, 'dist/devices/index.js');

/** A reactor with parts that are missing or wrong. */
function broken({
  memory = '32 32 shared',
  name = '"env" "memory"',
  abi = '1',
  entry = 'vsmmu_run',
  data = '',
}): Uint8Array {
  return assemble(`(module (import ${name} (memory ${memory})) ${data}
    (global $abi i32 (i32.const ${abi})) (func $init) ${RUN}
    (export "vsmmu_abi" (global $abi)) (export "_initialize" (func $init)) (export "${entry}" (func $run)))`);
}

const plugin = (body: string) => `import { defineDevice } from ${JSON.stringify(DEVICES)};
const fine = () => defineDevice({ name: 'mine', kind: 'mine', registers: { R: { offset: 0 } } });
${body}`;

const FILES: Readonly<Record<string, Uint8Array | string>> = {
  'text.wasm': 'not a binary',
  'part.img': new Uint8Array(700),
  'part.img.gz': gzipSync(new Uint8Array(700)),
  'part.img.gz.gz': gzipSync(gzipSync(new Uint8Array(700))),
  'text.gz': gzipSync('not a kernel'),
  'wasm.gz': gzipSync(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)),
  'empty.img': new Uint8Array(),
  'elf.img': Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, ...new Uint8Array(60)),
  'empty.wasm': Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
  'cut.wasm': reactor(RUN).slice(0, 60),
  'own-memory.wasm': assemble(`(module (memory 32 32 shared) (func (export "_start")))`),
  'ram.wasm': broken({ name: '"host" "ram"' }),
  'unshared.wasm': broken({ memory: '32 32' }),
  'growing.wasm': broken({ memory: '32 64 shared' }),
  'small.wasm': broken({ memory: '16 16 shared' }),
  'low-data.wasm': broken({ data: '(data (i32.const 1024) "x")' }),
  'no-run.wasm': broken({ entry: 'main' }),
  'abi-7.wasm': broken({ abi: '7' }),
  'foreign.wasm': reactor(RUN, '(import "env" "f" (func))'),
  'misspelled.wasm': reactor(RUN, '(import "vsmmu" "mmio_read16" (func (param i32) (result i32)))'),
  'no-wasi.wasm': reactor(RUN, '(import "wasi_snapshot_preview1" "teleport" (func))'),
  'prototype.wasm': command({
    imports: [IMPORT_MEMORY, [...name('__proto__'), ...name('get'), 0x02, 0x03, 0x20, 0x20]],
  }),
  'escape.wasm': command({ imports: [IMPORT_MEMORY, [...name('\u001b[2J'), ...name('\n'), 0, 0]] }),
  'tables.wasm': command({
    before: [section(4, vector(...new Array(60).fill([0x70, 0x01, ...leb(1e7), ...leb(1e7)])))],
  }),
  'struct.wasm': command({ types: [[0x5f, 0x00]] }),
  'starts.wasm': reactor(`${RUN} (func $start unreachable) (start $start)`),
  'far-data.wasm': reactor(`${RUN} (data (i32.const 0x1fffff) "ab")`),
  'larger.wasm': assemble(`(module (import "env" "memory" (memory 33 33 shared))
    (func (export "vsmmu_secondary") (param i32 i32)))`),
  'good.wasm': reactor(RUN),
  'not.json': '{ "vms": 2',
  'list.json': '[]',
  'unknown.json': '{ "vm": 2 }',
  'range.json': '{ "vms": 17 }',
  'type.json': '{ "guest": "toy", "json": "yes" }',
  'names.json': '{ "guest": "toy", "env": { "A=B": "C" } }',
  'no-name.json': '{ "guest": "toy", "env": { "": "C" } }',
  'nul-name.json': '{ "guest": "toy", "env": { "A\\u0000": "C" } }',
  'nul-value.json': '{ "guest": "toy", "env": { "A": "b\\u0000" } }',
  'nul-arg.json': '{ "guest": "toy", "args": ["a", "b\\u0000"] }',
  'no-guest.json': '{ "vms": 1, "formatVersion": 1 }',
  'next.json': '{ "formatVersion": 2, "anything": 1 }',
  'next-trace.json':
    '{ "traceEvents": [], "otherData": { "producer": "vsmmu", "formatVersion": 2, "lost": 0 } }',
  'foreign-trace.json': '{ "traceEvents": [], "otherData": {} }',
  'no-host.json': '{ "traceEvents": [], "otherData": { "producer": "vsmmu", "lost": 0 } }',
  'bad-host.json':
    '{ "traceEvents": [], "otherData": { "producer": "vsmmu", "lost": 0, "host": { "vms": 3 } } }',
  'syntax.mjs': 'export const device = (',
  'no-export.mjs': 'export const other = 1;',
  'escape.json': '{ "\u001b[2J": ',
  'import-throws.mjs': "throw new Error('at once');",
  'make-throws.mjs': "export const device = () => { throw new Error('not today'); };",
  'not-device.mjs': 'export const device = () => 7;',
  'half-device.mjs': plugin('export const device = () => ({ ...fine(), save: undefined });'),
  'attach-throws.mjs': plugin(
    "export const device = () => ({ ...fine(), attach() { throw new Error('no cable'); } });",
  ),
  'reset-throws.mjs': plugin(
    "export const device = () => ({ ...fine(), reset() { throw new Error('stuck'); } });",
  ),
  'old.mjs': plugin('export const device = () => ({ ...fine(), interfaceVersion: 0 });'),
  'kind.mjs': plugin(
    "export const device = () => defineDevice({ name: 'x', kind: 'long kind', registers: {} });",
  ),
  'lines.mjs': plugin(
    'export const device = () => ({ ...fine(), attach(host) { host.interruptLine(5); } });',
  ),
};

const NO_KERNEL =
  'is for arm64 kernels, which the toy is not: vsmmu boot linux, or vsmmu boot KERNEL --arch arm64';
const FULLEST =
  'but this machine has 15 for them: a function on bus 0 takes one, each port as many as there are functions behind the fullest';

/** The message and the command line: words that name a file are replaced by its path. */
const CASES: readonly (readonly [string | RegExp, string])[] = [
  ['nothing to do; see vsmmu --help', ''],
  ["unknown command 'run'", 'run'],
  ['no guest: give "toy", "linux", or the path of a WebAssembly guest or of a kernel', 'boot'],
  [`--append ${NO_KERNEL}`, 'boot toy --append quiet'],
  [`--role host ${NO_KERNEL}`, 'boot toy --role host'],
  [`--msi none ${NO_KERNEL}`, 'boot toy --msi none'],
  ...[
    ['--role guest', '--role'],
    ['--msi its', '--msi'],
    ['--gdb 0', '--gdb'],
    ['--check-icache', '--check-icache'],
  ].map(([options, flag]): [string, string] => [
    `${flag} is for arm64 guests: with --arch arm64, the toy is one`,
    `boot toy ${options}`,
  ]),
  [
    '--append is for arm64 guests: with --arch arm64, a kernel is one',
    'boot good.wasm --append quiet',
  ],
  [
    '--path all is for the toy, which compares the paths: choose one for a kernel',
    'boot x --arch arm64 --path all',
  ],
  [`--pcie ${NO_KERNEL}`, 'boot toy --pcie rng'],
  ...['--arg y', '--queues ecmdq', '--smmus 2', '--iommu amd', '--btm', '--secondary z'].flatMap(
    (options): [string, string][] => {
      const why = `${options.split(' ')[0]} is for the standard board:`;
      return [
        [`${why} a kernel runs on another one`, `boot x --arch arm64 ${options}`],
        [`${why} without --arch arm64, the toy runs there`, `boot toy --arch arm64 ${options}`],
      ];
    },
  ),
  [
    '--pcie usb: the kind must be one of rng, net, console, dma, testdev',
    'boot good.wasm --arch arm64 --pcie usb',
  ],
  [
    '--pcie rng,hub: rng can be followed by port, once',
    'boot good.wasm --arch arm64 --pcie rng,hub',
  ],
  [
    `the PCIe functions need 16 StreamIDs, ${FULLEST}`,
    `boot good.wasm --arch arm64${' --pcie rng'.repeat(16)}`,
  ],
  [
    `the PCIe functions need 17 StreamIDs, ${FULLEST}`,
    `boot good.wasm --arch arm64${' --pcie rng,port'.repeat(17)}`,
  ],
  [
    '--check-icache is for vCPUs that take turns: it excludes --transport mailbox',
    'boot x --arch arm64 --check-icache --transport mailbox',
  ],
  ...[
    '--smmus 2',
    '--path direct',
    '--no-direct-maps',
    '--check',
    '--experiment hyp-own',
    '--trace x.json',
  ].map((options): readonly [string, string] => [
    `${options.split(' ')[0]} is for an SMMU: it excludes --iommu amd`,
    `boot toy --iommu amd ${options}`,
  ]),
  [
    '--vcpus must be 1 with --iommu amd: a guest has one command buffer',
    'boot toy --iommu amd --vcpus 2',
  ],
  [/--iommu amd runs guests inline/, 'inspect toy --iommu amd --transport mailbox'],
  ['GuestIDs are exhausted: 15', 'boot good.wasm --iommu amd --vms 16 --host-ram 64'],
  [/option '--smmus <n>' argument '17' is invalid: it must be /, 'boot toy --smmus 17'],
  [
    '--overlay maps the CMDQ directly: it excludes --no-direct-maps',
    'boot x --arch arm64 --overlay --no-direct-maps',
  ],
  [
    '--overlay permits only the overlay path, not --path trapped',
    'boot x --arch arm64 --overlay --path trapped',
  ],
  ['--kernel is for linux: vsmmu boot linux', 'boot toy --kernel x'],
  ['--run is for linux: vsmmu boot linux', 'boot x --arch arm64 --run state'],
  [
    "--role host excludes the overlay path, which is a guest's",
    'boot x --arch arm64 --role host --path overlay',
  ],
  [
    '--role host excludes --on-queue-error: a kernel that owns its queues handles their errors',
    'boot x --arch arm64 --role host --on-queue-error skip',
  ],
  ['linux is an arm64 kernel: it excludes --arch wasm', 'boot linux --arch wasm'],
  ['cannot read none.cpio: no such file', 'boot linux --kernel x --initrd none.cpio'],
  ...['part.img', 'part.img.gz', 'part.img.gz.gz', 'text.wasm', 'text.gz'].flatMap(
    (file): (readonly [RegExp, string])[] => {
      const line = new RegExp(`${file}: not a Linux kernel for arm64: it must be an Image, `);
      return [
        [line, `boot linux --kernel ${file} --initrd part.img`],
        [line, `bench linux --kernel ${file} --initrd part.img`],
      ];
    },
  ),
  ...['empty.wasm', 'wasm.gz'].map((file): readonly [RegExp, string] => [
    new RegExp(`${file}: the kernel is a WebAssembly module: a guest of the standard board, `),
    `boot linux --kernel ${file} --initrd part.img`,
  ]),
  ['there is no benchmark toy; there is linux', 'bench toy'],
  [`--disk ${NO_KERNEL}`, 'boot toy --disk x'],
  ['--trace-limit needs --trace: otherwise there is nothing to limit', 'boot toy --trace-limit 5'],
  [
    'cannot read no/such/disk.img,ro: no such file; after its name, a disk takes ",rw" and ",pci", not ",ro"',
    'boot x --arch arm64 --disk no/such/disk.img,ro',
  ],
  [
    /part\.img is not a disk: it has 700 bytes, which is not a multiple of 512\n$/,
    'boot x --arch arm64 --disk part.img',
  ],
  [/empty\.img is not a disk: it is empty\n$/, 'boot x --arch arm64 --disk empty.img'],
  ['cannot write none.img: no such file', 'boot x --arch arm64 --disk none.img,rw'],
  ['--disk is for one machine: it excludes --vms', 'boot x --arch arm64 --disk y --vms 2'],
  ['--gdb is for one machine: it excludes --vms', 'boot x --arch arm64 --gdb 0 --vms 2'],
  [
    '--gdb-wait needs --gdb: otherwise nothing would continue the machine',
    'boot x --arch arm64 --gdb-wait',
  ],
  ['--vcpus must be 1 to 8, not 9', 'bench linux --vcpus 9'],
  ['cannot read none.img: no such file', 'bench linux --kernel none.img --initrd none.cpio'],
  ['cannot read none.cpio: no such file', 'boot x --arch arm64 --initrd none.cpio'],
  ["too many arguments for 'boot': it takes 1 argument, not 2", 'boot toy toy'],
  ['a command is missing; see --help', 'guest'],
  ["unknown option '--vm' (Did you mean --vms?)", 'boot toy --vm 2'],
  [/it must be one of all, direct, trapped, overlay, not "both"/, 'boot toy --path both'],
  [/it must be one of inline, mailbox, not "fast"/, 'boot toy --transport fast'],
  [/argument missing/, 'boot toy --vms'],
  [/it must be an integer from 1 to 16, not 0\n$/, 'boot toy --vms 0'],
  [/it must be an integer from 1 to 16, not 17\n$/, 'boot toy --vms 17'],
  [/it must be an integer from 1 to 16, not "2x"\n$/, 'boot toy --vms 2x'],
  [/it must be an integer from 1 to 16, not "1e1"\n$/, 'boot toy --vms 1e1'],
  [/it must be an integer from 0 to 4294967295, not 4294967296\n$/, 'boot toy --seed 4294967296'],
  [/it must be a power of two from 1 to 64, not 3\n$/, 'boot toy --vintfs 3'],
  [/it must be name=value/, 'boot toy --env HOME'],
  [/it must be name=value/, 'boot toy --env =HOME'],
  [/names\.json: env must have names without = and NUL, not "A=B"/, 'boot --config names.json'],
  [/nul-name\.json: env must have names without = and NUL, not /, 'boot --config nul-name.json'],
  [/no-name\.json: env must have names without = and NUL, not ""/, 'boot --config no-name.json'],
  [/nul-value\.json: env\.A must be text without NUL, not /, 'boot --config nul-value.json'],
  [/nul-arg\.json: args\[1\] must be text without NUL, not /, 'boot --config nul-arg.json'],
  ['--vcmdqs must be at least as many as --vintfs, 16, not 8', 'boot toy --vintfs 16 --vcmdqs 8'],
  [/it must be one of vcmdq, ecmdq, not "cmdq"/, 'boot toy --queues cmdq'],
  [
    '--host-ram must be more than 1 MiB: the tables and queues of the host do not fit',
    'boot toy --host-ram 1',
  ],
  [
    '--no-direct-maps permits only the trapped path, not --path direct',
    'boot toy --no-direct-maps --path direct',
  ],
  [
    '--overlay permits only the overlay path, not --path trapped',
    'boot toy --overlay --path trapped',
  ],
  [
    '--overlay maps the CMDQ directly: it excludes --no-direct-maps',
    'boot toy --overlay --no-direct-maps',
  ],
  [
    'hyp-own chooses its path itself: it excludes --overlay',
    'boot toy --overlay --experiment hyp-own',
  ],
  [
    '--queues must be vcmdq on the overlay path, which has the CMDQ alone',
    'boot toy --queues ecmdq --overlay --path direct',
  ],
  [
    'hyp-own is about the CMDQV, which a machine with ECMDQs does not have',
    'boot toy --queues ecmdq --experiment hyp-own',
  ],
  [
    "--vintfs is 2, of which one is the host's own: all 1 to lend are in use (2 to 64)",
    'boot toy --vintfs 2 --vms 2',
  ],
  [
    "--vintfs is 1, of which one is the host's own: there is none to lend (2 to 64)",
    'boot toy --vintfs 1',
  ],
  [
    /more than one vCPU needs a program for the others: --secondary FILE/,
    'boot good.wasm --vcpus 2',
  ],
  [/too little memory: the guest needs 32 MiB, the machine has 16 MiB/, 'boot toy --memory 16'],
  [/cannot read .*missing\.wasm: no such file/, 'boot /nowhere/missing.wasm'],
  [/cannot read \/: it is a directory/, 'boot /'],
  [/\/text\.wasm: not a WebAssembly binary\n$/, 'boot text.wasm'],
  [/\/elf\.img: not a WebAssembly binary: a kernel needs --arch arm64\n$/, 'boot elf.img'],
  [/empty\.wasm: the guest imports no memory: let it import env\.memory/, 'boot empty.wasm'],
  [/cut\.wasm: not a valid WebAssembly binary: /, 'boot cut.wasm'],
  [
    /own-memory\.wasm: the guest imports no memory: let it import env\.memory/,
    'boot own-memory.wasm',
  ],
  [
    /ram\.wasm: the guest imports its memory as host\.ram: it has to be env\.memory/,
    'boot ram.wasm',
  ],
  [
    /unshared\.wasm: the guest's memory is not shared: link it with --shared-memory/,
    'boot unshared.wasm',
  ],
  [
    /growing\.wasm: the guest's memory may grow \(32 to 64 pages\): a reactor's maximum must be its initial size/,
    'boot growing.wasm',
  ],
  [/small\.wasm: too little memory: the guest asks for 1024 KiB/, 'boot small.wasm'],
  [
    /low-data\.wasm: the guest has data at 0x400, in the ABI's first MiB: link it above/,
    'boot low-data.wasm',
  ],
  [/no-run\.wasm: not a guest: it exports no function "vsmmu_run"/, 'boot no-run.wasm'],
  [/built for ABI version 7, this is version 1: build it again/, 'boot abi-7.wasm'],
  [
    /built for ABI version 7, this is version 1: build it again/,
    'boot abi-7.wasm --transport mailbox --drain thread',
  ],
  [
    /foreign\.wasm: the guest imports env\.f, which no machine provides: there are vsmmu\.\* and wasi/,
    'boot foreign.wasm',
  ],
  [
    /misspelled\.wasm: the guest imports vsmmu\.mmio_read16, .*: vsmmu has mmio_read32/,
    'boot misspelled.wasm',
  ],
  [
    /the guest imports wasi_snapshot_preview1\.teleport, which no machine provides/,
    'boot no-wasi.wasm --transport mailbox',
  ],
  [
    /\/prototype\.wasm: the guest imports a second memory, __proto__\.get: it has one, env\.memory/,
    'boot prototype.wasm',
  ],
  [/escape\.wasm: the guest imports \\u\{1b\}\[2J\.\\u\{a\}, which no machine/, 'boot escape.wasm'],
  [/tables\.wasm: the guest's tables and element segments may have 600000000/, 'boot tables.wasm'],
  [/struct\.wasm: the guest has struct types/, 'inspect struct.wasm'],
  [
    '--allow-gc needs --transport mailbox: on the thread of the VMM a guest could fill its heap',
    'boot struct.wasm --allow-gc',
  ],
  [/^vsmmu: \S*\/starts\.wasm: the guest cannot be instantiated: unreachable/, 'boot starts.wasm'],
  [/far-data\.wasm: the guest cannot be instantiated: .*data segment/, 'boot far-data.wasm'],
  [
    /\/starts\.wasm: the guest cannot be instantiated: unreachable/,
    'boot starts.wasm --transport mailbox',
  ],
  [
    /\/larger\.wasm: the program of the secondary vCPUs cannot be instantiated: .*memory/,
    'boot good.wasm --vcpus 2 --secondary larger.wasm',
  ],
  [
    /\/larger\.wasm: the program of the secondary vCPUs cannot be instantiated: .*memory/,
    'boot good.wasm --vcpus 2 --secondary larger.wasm --transport mailbox',
  ],
  [
    /^vsmmu: \S*\/text\.wasm: the program of the secondary vCPUs: not a WebAssembly binary/,
    'boot good.wasm --vcpus 2 --secondary text.wasm',
  ],
  [/escape\.json is not a trace: /, 'trace summary escape.json'],
  [
    'there is no kind "constructor"; there are ste, cd, cmd, event, pte, log',
    'decode constructor 00',
  ],
  [/cannot read \/nowhere\/c\.json: no such file/, 'boot --config /nowhere/c.json'],
  [/not\.json is not JSON: /, 'boot --config not.json'],
  [/list\.json: the configuration must be an object, not \[\]/, 'boot --config list.json'],
  [/unknown\.json: there is no option "vm": did you mean "vms"\?/, 'boot --config unknown.json'],
  [/range\.json: vms must be an integer from 1 to 16, not 17/, 'boot --config range.json'],
  [/type\.json: json must be true or false, not "yes"/, 'boot --config type.json'],
  [
    'no guest: give "toy", "linux", or the path of a WebAssembly guest or of a kernel',
    'boot --config no-guest.json',
  ],
  [
    /next\.json has version 2 of the configuration format, but this vsmmu reads version 1/,
    'boot --config next.json',
  ],
  [
    /next-trace\.json is not a trace: it is of version 2 of the trace format, this reads version 1/,
    'trace summary next-trace.json',
  ],
  [
    /cannot load device .*nothing\.mjs: no such file/,
    'boot good.wasm --device /nowhere/nothing.mjs',
  ],
  [/cannot load device .*syntax\.mjs: /, 'boot good.wasm --device syntax.mjs'],
  [
    /cannot load device .*no-export\.mjs: it exports no function "device"/,
    'boot good.wasm --device no-export.mjs',
  ],
  [/cannot load device .*import-throws\.mjs: at once/, 'boot good.wasm --device import-throws.mjs'],
  [
    /cannot load device .*make-throws\.mjs: device\(\) threw: not today/,
    'boot good.wasm --device make-throws.mjs',
  ],
  [
    /\/not-device\.mjs is not a device: it is a number\n$/,
    'boot good.wasm --device not-device.mjs',
  ],
  [
    /\/half-device\.mjs is not a device: mine has no save\(\)\n$/,
    'boot good.wasm --device half-device.mjs',
  ],
  [
    /\/attach-throws\.mjs: device mine: attach\(\) threw: no cable\n$/,
    'boot good.wasm --device attach-throws.mjs --transport mailbox --drain thread',
  ],
  [
    /\/reset-throws\.mjs: device mine: reset\(\) threw: stuck\n$/,
    'boot good.wasm --device reset-throws.mjs',
  ],
  [
    /\/old\.mjs: device mine was written for version 0 of the plugin interface, this is version 2, which takes version 1 as well\n$/,
    'boot good.wasm --device old.mjs',
  ],
  [/kind of x is four ASCII characters, not "long kind"/, 'boot good.wasm --device kind.mjs'],
  [
    /\/lines\.mjs: device mine: attach\(\) threw: mine has no interrupt line 5\n$/,
    'boot good.wasm --device lines.mjs',
  ],
  ['a command is missing; see --help', 'help nothing'],
  [/missing required argument 'what'/, 'inspect'],
  [/cannot read .*nothing\.json: no such file/, 'inspect /nowhere/nothing.json'],
  [/not\.json is not a trace: /, 'inspect not.json'],
  [/foreign-trace\.json is not a trace: it was not written by vsmmu/, 'inspect foreign-trace.json'],
  [/no-host\.json does not contain its host/, 'inspect no-host.json'],
  [/bad-host\.json: its host is damaged/, 'inspect bad-host.json'],
  ['a trace file takes no options except --json', 'inspect no-host.json --steps 2'],
  [/it must be an integer from 0 to 1000000, not "all"/, 'inspect toy --steps all'],
  [
    /--overlay permits only the overlay path, not --path trapped/,
    'inspect toy --overlay --path trapped',
  ],
  [/text\.wasm: not a WebAssembly binary/, 'inspect text.wasm'],
  [/for a kernel, vsmmu boot linux --trace FILE\.json, and inspect FILE\.json\n$/, 'inspect linux'],
  [/list\.json is not a trace: it is not one JSON object/, 'trace summary list.json'],
  [/cannot read .*nothing\.json: no such file/, 'trace summary /nowhere/nothing.json'],
  [/is not empty/, 'guest init .'],
  [/is not empty/, 'guest init . --lang c'],
  [/argument 'rust' is invalid: it must be one of as, c, wat\n$/, 'guest init new --lang rust'],
  [/cannot write to .*text\.wasm\/x: it is not a folder/, 'guest init text.wasm/x'],
  [/cannot write to \/proc\/nothing\/x: no such folder\n$/, 'guest init /proc/nothing/x'],
];

/** Commands that read a file: X is replaced by its path. */
const READERS = [
  'boot X',
  'boot X --transport mailbox',
  'boot X --arch arm64',
  'boot good.wasm --arch arm64 --initrd X',
  'boot good.wasm --vcpus 2 --secondary X',
  'boot good.wasm --device X',
  'boot --config X',
  'inspect X',
  'inspect good.wasm --vcpus 2 --secondary X',
  'trace summary X',
  'decode log X',
];
/** FIFOs without a writer: opening one blocks forever. */
const PIPES = ['pipe', 'pipe.json'];
/** Files that are not regular, and the message for each. */
const IRREGULAR = [
  ['/dev/zero', 'it is not a regular file'],
  ['pipe', 'it is not a regular file'],
  ['/', 'it is a directory'],
] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-bad-'));
  for (const [name, contents] of Object.entries(FILES))
    await writeFile(join(folder, name), contents);
  execFileSync(
    'mkfifo',
    PIPES.map((name) => join(folder, name)),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const wordsOf = (command: string) =>
  command
    .split(' ')
    .filter((word) => word !== '')
    .map((word) =>
      word === '.' || PIPES.includes(word) || Object.hasOwn(FILES, word.split('/')[0] ?? '')
        ? join(folder, word)
        : word,
    );

/**
 * Cases that also run as processes: no word, a flag, a guest, and plugins and guests that
 * are refused while threads run already.
 */
const PROCESSES = [
  '',
  'boot toy --vms 0',
  'boot cut.wasm',
  'boot abi-7.wasm --transport mailbox --drain thread',
  'boot good.wasm --device syntax.mjs',
  'boot good.wasm --device attach-throws.mjs --transport mailbox --drain thread',
];

function expectOneLine({ status, stdout, stderr }: Outcome, message: string | RegExp): void {
  expect([status, stdout, stderr.split('\n').length], stderr).toEqual([2, '', 2]);
  if (typeof message === 'string') expect(stderr).toBe(`vsmmu: ${message}\n`);
  else expect(stderr).toMatch(message);
  // One style: a single sentence, without a full stop.
  expect(stderr).toMatch(/^vsmmu: (?!.*\.\s)/s);
}

describe('a file that is not regular', () => {
  it.each(IRREGULAR.flatMap(([file, why]) => READERS.map((reader) => [reader, file, why])))(
    'vsmmu %s, X is %s: %s',
    async (reader, file, why) => {
      const outcome = await vsmmu(...wordsOf(reader.replace('X', file)));
      expectOneLine(outcome, new RegExp(`(cannot read|cannot load device) \\S+: ${why}\n$`));
    },
  );

  it('a FIFO in the place of a trace', async () => {
    expectOneLine(await vsmmu(...wordsOf('inspect pipe.json')), /: it is not a regular file\n$/);
  });

  it('a device that is one, as a process', async () => {
    const outcome = await vsmmuProcess(...wordsOf('boot good.wasm --device /dev/zero'));
    expectOneLine(outcome, 'cannot load device /dev/zero: it is not a regular file');
  });
});

describe('bad input', () => {
  it.each(CASES)('%s: vsmmu %s', async (message, command) => {
    expectOneLine(await vsmmu(...wordsOf(command)), message);
  });

  it.each(PROCESSES)('as a process: vsmmu %s', { timeout: 60_000 }, async (command) => {
    const [message] = CASES.find(([, words]) => words === command) ?? [];
    expectOneLine(await vsmmuProcess(...wordsOf(command)), message ?? 'no such case');
  });

  it('has all its files in use', () => {
    const used = CASES.flatMap(([, command]) => command.split(/[ /]/));
    expect(Object.keys(FILES).filter((name) => !used.includes(name))).toEqual([]);
  });
});

describe('a plugin that throws at a register', () => {
  it('fails its machine: a failed check, and status 1', async () => {
    const reading = reactor(
      `(func $run (param i32) (result i32) (drop (call $read32 (i32.const ${FREE_GPA}))) (i32.const 2))`,
      IMPORT_READ32,
    );
    await writeFile(join(folder, 'reading.wasm'), reading);
    await writeFile(
      join(folder, 'throws.mjs'),
      plugin("export const device = () => ({ ...fine(), read() { throw new Error('cold'); } });"),
    );
    for (const transport of ['inline', 'mailbox']) {
      const { status, stdout, stderr } = await vsmmu(
        ...wordsOf('boot'),
        join(folder, 'reading.wasm'),
        '--device',
        join(folder, 'throws.mjs'),
        '--quiet',
        '--transport',
        transport,
      );
      expect([status, stdout, stderr]).toEqual([1, '  FAIL  vm0 ran to its end: mine: cold\n', '']);
    }
  }, 60_000);
});
