#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The tables of docs/options.md, docs/registers.md and docs/tables.md, from the
// declarations in TypeScript and their comments. Writes the pages;
// test/docs/reference.test.ts fails when one is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);

/**
 * Tables of options: heading, then files and interfaces; of two members with one name the
 * first counts.
 */
export const OPTIONS = [
  ['Host', ['vmm/api/settings.ts', 'HostSettings'], ['vmm/api/host-options.ts', 'HostOptions']],
  [
    'Machine',
    ['vmm/api/settings.ts', 'MachineSettings'],
    ['vmm/api/host-options.ts', 'MachineOptions'],
  ],
  ['Boot', ['vmm/api/machine-types.ts', 'BootOptions']],
  [
    'Faults of a host',
    ['vmm/api/host-options.ts', 'HostFaults'],
    ['vmm/threads/side-core.ts', 'DrainFaults'],
  ],
  ['Faults of a machine', ['devices/faults/faulty-device.ts', 'DeviceFaults']],
  ['Events', ['vmm/api/machine-types.ts', 'MachineEvents']],
  ['virtBoard', ['vmm/boards/virt/virt-board.ts', 'VirtBoardOptions']],
  ['GDB', ['vmm/api/gdb-server.ts', 'GdbServerOptions']],
  ['A place', ['devices/bus/placement.ts', 'Placement']],
  ['DeviceComplex', ['devices/bus/device-complex.ts', 'DeviceComplexOptions']],
  ['SmmuEndpoint', ['devices/unit/smmu-endpoint.ts', 'SmmuEndpointOptions']],
  ['createHostMemory', ['devices/unit/create-host-memory.ts', 'HostMemoryOptions']],
  ['loadHotModules', ['assembly/load.ts', 'HotModuleOptions']],
  ['Unit', ['devices/unit/unit.ts', 'UnitOptions'], ['devices/unit/unit.ts', 'PortUnitOptions']],
  ['PhysicalSmmu', ['devices/smmuv3/physical-smmu.ts', 'PhysicalSmmuOptions']],
  ['PhysicalCmdqv', ['devices/cmdqv/physical-cmdqv.ts', 'PhysicalCmdqvOptions']],
  ['VirtualSmmu', ['devices/smmuv3/virtual-smmu.ts', 'VirtualSmmuOptions']],
  ['VirtualCmdqv', ['devices/cmdqv/virtual-cmdqv.ts', 'VirtualCmdqvOptions']],
  ['ATS', ['devices/plugin/device-host.ts', 'AtsSettings']],
  ['PcieHost', ['devices/pcie/pcie-host.ts', 'PcieHostOptions']],
  ['PcieEndpoint', ['devices/pcie/pcie-endpoint.ts', 'PcieEndpointOptions']],
  ['VirtioConsole', ['devices/virtio/virtio-console.ts', 'VirtioConsoleOptions']],
  ['VirtioMmio', ['devices/virtio/virtio-mmio.ts', 'VirtioMmioOptions']],
  ['VirtioNet', ['devices/virtio/virtio-net.ts', 'VirtioNetOptions']],
  ['Pl011', ['devices/pl011/pl011.ts', 'Pl011Options']],
  ['Checkpoint', ['devices/checkpoint/checkpoint.ts', 'CheckpointOptions']],
  ['PageTable', ['devices/tables/page-table.ts', 'PageTableOptions']],
  ['PageTable map', ['devices/tables/page-table.ts', 'MapOptions']],
  ['decodePte', ['devices/decode/decode-pte.ts', 'PteOptions']],
  ['A board', ['vmm/boards/board.ts', 'BoardOptions']],
  ['Iommufd', ['host/iommufd/requests.ts', 'IommufdOptions']],
  ['SmmuHost', ['host/kernel/smmu-host.ts', 'SmmuHostOptions']],
  ['deviceContract', ['devices/testing/contract.ts', 'ContractOptions']],
  ['FakeHost', ['devices/testing/fake-host.ts', 'FakeHostOptions']],
  ['QuirkyCmdqv', ['devices/testing/cmdqv-quirks.ts', 'CmdqvQuirks']],
  ['plugSmmu', ['vmm/v86/smmu-board.ts', 'V86SmmuOptions']],
  ['plugDevices', ['vmm/v86/plug.ts', 'PlugOptions']],
];

/** Register maps: heading, file. */
const REGISTERS = /** @type {const} */ ([
  ['DMA engine', 'assembly/layout/dma-engine-registers.ts'],
  ['Checkpoint device', 'assembly/layout/checkpoint-registers.ts'],
]);
/** Functions: heading, files. */
const BUILDERS = /** @type {const} */ ([
  ['Stream table', 'devices/tables/stream-table-entry.ts'],
  ['Context descriptors', 'devices/tables/context-descriptor.ts'],
  ['Granules and levels', 'devices/tables/granule.ts'],
  ['Commands', 'devices/tables/command-builders.ts'],
  [
    'Events and page requests',
    'devices/tables/event-table.ts',
    'devices/tables/page-request-records.ts',
  ],
  ['Memory', 'devices/tables/memory.ts'],
  [
    'Decoders',
    'devices/decode/decode-ste.ts',
    'devices/decode/decode-cd.ts',
    'devices/decode/decode-commands.ts',
    'devices/decode/decode-events.ts',
    'devices/decode/decode-pte.ts',
    'devices/decode/words.ts',
  ],
]);

const read = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), 'utf8');

/** Names of types that are unions of string literals, and their lists. */
const CHOICES = new Map([
  ['IdRegisters', 'ID_REGISTERS'],
  ['Transport', 'TRANSPORTS'],
  ['Drain', 'DRAINS'],
  ['Queues', 'QUEUES'],
]);

/**
 * A type as shown in the table: a union lists its string literals.
 * @param {string} type
 */
function shownType(type) {
  const list = CHOICES.get(type);
  if (list === undefined) return type;
  const [, texts] =
    new RegExp(`export const ${list} = \\[(.*?)\\] as const`).exec(read('vmm/api/settings.ts')) ??
    [];
  if (texts === undefined) throw new Error(`vmm/api/settings.ts has no list ${list}`);
  return texts.split(', ').join(' | ');
}

/** A comment in one line. */
const prose = (/** @type {string} */ comment) =>
  comment
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();

/** The part of a comment that gives the default value of an option. */
const DEFAULT = /\s*\bDefault:? ((?:[^.]|\.(?=\S))+)\./;

/**
 * Members of an interface, with their comments.
 * @param {string} file
 * @param {string} name
 */
function members(file, name) {
  const source = read(file);
  const start = source.search(new RegExp(`^export interface ${name}\\b`, 'm'));
  if (start < 0) throw new Error(`${file} has no interface ${name}`);
  const body = source.slice(source.indexOf('{\n', start) + 2, source.indexOf('\n}', start) + 1);
  const member =
    / {2}\/\*\*([\s\S]*?)\*\/\n {2}(?:readonly )?(\w+)(\??)(?:: |(?=\())([\s\S]*?);\n(?= {2}\/\*\*|$)/g;
  const found = [...body.matchAll(member)].map(
    ([, comment = '', key = '', optional, type = '']) => {
      const text = prose(comment);
      const [, value] = DEFAULT.exec(text) ?? [];
      return {
        name: key,
        type: shownType(
          type
            .replace(/\/\*\*[\s\S]*?\*\/\s*/g, '')
            .replace(/\s+/g, ' ')
            .replace(/^\(\((.*)\) \| undefined$/, '($1')
            .replace(/ \| undefined$/, '')
            .replace(/^\| /, '')
            // A method: "(a: number): void".
            .replace(/^(\([^()]*\)): /, '$1 => '),
        ),
        value: optional === '?' ? (value ?? '') : name.endsWith('Events') ? '' : 'required',
        text: text.replace(DEFAULT, ''),
      };
    },
  );
  const declared = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??(?:: |\()/gm)].length;
  if (declared !== found.length)
    throw new Error(`${name}: ${declared - found.length} members without a comment`);
  return found;
}

const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|');

/** @param {string} page @param {string} heading @param {string[]} lines */
function withTable(page, heading, lines) {
  const marks = new RegExp(`(<!-- ${heading} -->\\n)[\\s\\S]*?(<!-- end -->)`);
  if (!marks.test(page)) throw new Error(`no page has a place for "${heading}"`);
  return page.replace(marks, (_, begin, end) => `${begin}\n${lines.join('\n')}\n\n${end}`);
}

/** docs/options.md with its tables regenerated. */
function optionsPage() {
  let page = read('docs/options.md');
  for (const [heading, ...interfaces] of OPTIONS) {
    const events = heading === 'Events';
    const all = interfaces.flatMap(([file, name]) => members(file ?? '', name ?? ''));
    const rows = all.filter(({ name }, i) => all.findIndex((one) => one.name === name) === i);
    page = withTable(page, String(heading), [
      events ? '| event | payload | when |' : '| option | type | default | meaning |',
      events ? '| --- | --- | --- |' : '| --- | --- | --- | --- |',
      ...rows.map(({ name, type, value, text }) =>
        events
          ? `| \`${name}\` | \`${cell(type)}\` | ${cell(text)} |`
          : `| \`${name}\` | \`${cell(type)}\` | ${cell(value)} | ${cell(text)} |`,
      ),
    ]);
  }
  return page;
}

/**
 * docs/registers.md with its tables regenerated: every constant of a layout file, with
 * its comment.
 */
function registersPage() {
  let page = read('docs/registers.md');
  for (const [heading, file] of REGISTERS) {
    const constants = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export const (\w+) = (.*?);/g;
    page = withTable(page, heading, [
      '| name | value | meaning |',
      '| --- | --- | --- |',
      ...[...read(file).matchAll(constants)].map(
        ([, comment = '', name, value]) =>
          `| \`${name}\` | \`${cell(value ?? '')}\` | ${cell(prose(comment))} |`,
      ),
    ]);
  }
  return page;
}

/**
 * docs/tables.md with its tables regenerated: every function of the table builders and
 * decoders.
 */
function buildersPage() {
  let page = read('docs/tables.md');
  for (const [heading, ...files] of BUILDERS) {
    const declared =
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport function (\w+)\(([\s\S]*?)\): ([^{;]+?) \{\n/g;
    const rows = files.flatMap((file) => [...read(file).matchAll(declared)]);
    page = withTable(page, heading, [
      '| function | meaning |',
      '| --- | --- |',
      ...rows.map(([, comment = '', name, parameters = '', result]) => {
        const [first = ''] = prose(comment).split(/ @/);
        const shown = parameters.replace(/\s+/g, ' ').trim().replace(/,$/, '');
        return `| \`${name}(${cell(shown)}): ${cell(result ?? '')}\` | ${cell(first)} |`;
      }),
    ]);
  }
  return page;
}

/** Each page, and the function that generates its text. */
export const PAGES = new Map([
  ['docs/options.md', optionsPage],
  ['docs/registers.md', registersPage],
  ['docs/tables.md', buildersPage],
]);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, page] of PAGES) {
    const text = page();
    if (text !== read(path)) writeFileSync(new URL(path, ROOT), text);
  }
}
