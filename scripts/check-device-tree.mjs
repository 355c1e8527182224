#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Lets dtc read the device trees of the board `virt`: each one must be a valid blob
// without a warning. If QEMU is installed, too, nodes that its `virt` also has must have
// the same properties. Needs `npm run build`.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DmaEnginePci } from '../dist/devices/index.js';
import { placed, virtDeviceTree, virtRam } from '../dist/vmm/boards/virt/index.js';
import { virtPcie } from '../dist/vmm/boards/virt/virt-pcie.js';
import { flattenDeviceTree } from '../dist/vmm/boot/index.js';

/**
 * Properties of QEMU's nodes without a counterpart: expressed differently by QEMU, or of
 * something that the board does not have.
 */
const NOT_HERE = new Map([
  ['/', ['phandle']],
  ['/psci', ['migrate', 'cpu_on', 'cpu_off', 'cpu_suspend']],
  ['/intc', ['phandle', '#redistributor-regions']],
  ['/cpus/cpu', ['phandle']],
  ['/apb-pclk', ['phandle']],
  ['/smmuv3', ['phandle']],
]);
/** QEMU's nodes that have another name here. */
const NAMES = new Map([
  ['intc', 'interrupt-controller'],
  ['smmuv3', 'iommu'],
]);
const NODES =
  /^\/(psci|timer|apb-pclk|chosen|memory|intc|pl011|pl031|smmuv3|cpus|cpus\/cpu)?(@.*)?$/;

/**
 * @param {string} name
 * @param {number} size
 * @param {number} interrupts
 */
function shape(name, size, interrupts) {
  const unused = () => undefined;
  return {
    name,
    interfaceVersion: 2,
    identity: { kind: 0, interrupts, busMaster: false },
    regions: [{ name, size, accessSizes: /** @type {const} */ ([4]) }],
    attach: unused,
    reset: unused,
    read: unused,
    write: unused,
    save: () => ({}),
    restore: unused,
    registerName: () => name,
  };
}

/**
 * The trees: one with everything that the board can have, and one with as little as
 * possible.
 */
function trees() {
  const ram = virtRam(0x10000000);
  const seeds = { rngSeed: new Uint8Array(64).fill(7), kaslrSeed: new Uint8Array(8) };
  const initrd = { gpa: 0x48000000, end: 0x48010000 };
  const chosen = { bootargs: 'console=ttyAMA0', initrd, ...seeds };
  const uart = placed('uart', shape('pl011', 0x1000, 1));
  const rtc = placed('rtc', shape('pl031', 0x1000, 1));
  const least = { vcpus: 1, ram, chosen, uart, rtc };
  const all = {
    ...least,
    vcpus: 18,
    smmu: placed('smmu', shape('smmuv3', 0x20000, 2)),
    cmdqv: placed('cmdqv', shape('cmdqv', 0x50000, 1)),
    dmaEngine: { placement: placed('dmaEngine', shape('dma-engine', 0x1000, 1)), streamId: 8 },
    pcie: virtPcie([new DmaEnginePci('dma')], 100).bridge,
  };
  return { all, least };
}

/**
 * @param {string} blob a file.
 * @returns {{ text: string, warnings: string }}
 */
function decompile(blob) {
  const { status, stdout, stderr } = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', blob], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`dtc cannot read ${blob}: ${stderr}`);
  return { text: stdout, warnings: stderr };
}

/**
 * Properties of each node of a tree in dtc's text, by path without unit addresses.
 * @param {string} text
 */
function propertiesOf(text) {
  /** @type {Map<string, Set<string>>} */
  const nodes = new Map();
  /** @type {string[]} */
  const path = [];
  for (const line of text.split('\n')) {
    const opened = /^\s*([\w,.+-]+(?:@[\w,]+)?|\/) \{$/.exec(line);
    const property = /^\s*([#\w,.+-]+)(?: = .*)?;$/.exec(line);
    const own = () => `/${path.slice(1).join('/')}`;
    if (opened) {
      path.push((opened[1] ?? '').replace(/@.*/, ''));
      if (!nodes.has(own())) nodes.set(own(), new Set());
    } else if (/^\s*\};$/.test(line)) path.pop();
    else if (property) nodes.get(own())?.add(property[1] ?? '');
  }
  return nodes;
}

/**
 * The properties of QEMU's tree that this one lacks.
 * @param {string} own
 * @param {string} qemu
 */
function missing(own, qemu) {
  const here = propertiesOf(own);
  return [...propertiesOf(qemu)]
    .filter(([path]) => NODES.test(path))
    .flatMap(([path, properties]) => {
      const name = path.replace(/\w+$/, (last) => NAMES.get(last) ?? last);
      const found = here.get(name);
      if (!found) return [`${path} is missing`];
      const expected = [...properties].filter((one) => !NOT_HERE.get(path)?.includes(one));
      return expected.filter((one) => !found.has(one)).map((one) => `${name} has no ${one}`);
    });
}

/** @param {string} command */
const isInstalled = (command) => spawnSync(command, ['--version']).status === 0;

if (!isInstalled('dtc')) {
  console.error('dtc is missing (Debian and Ubuntu: apt-get install device-tree-compiler)');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-device-tree-'));
const problems = [];
try {
  let own = '';
  for (const [name, options] of Object.entries(trees())) {
    const blob = join(folder, `${name}.dtb`);
    writeFileSync(blob, flattenDeviceTree(virtDeviceTree(options)));
    const { text, warnings } = decompile(blob);
    if (name === 'all') own = text;
    if (warnings) problems.push(`${name}: ${warnings.trim()}`);
    else console.log(`ok     dtc reads the tree "${name}", ${text.split('\n').length} lines`);
  }
  if (isInstalled('qemu-system-aarch64')) {
    const blob = join(folder, 'qemu.dtb');
    const machine = `virt,gic-version=3,its=off,iommu=smmuv3,dumpdtb=${blob}`;
    const options = ['-M', machine, '-cpu', 'cortex-a57', '-smp', '2', '-m', '256'];
    execFileSync('qemu-system-aarch64', [...options, '-net', 'none', '-display', 'none'], {
      stdio: 'ignore',
    });
    const lacks = missing(own, decompile(blob).text);
    problems.push(...lacks.map((one) => `compared with QEMU: ${one}`));
    if (lacks.length === 0) console.log('ok     what QEMU’s tree has of these nodes is here too');
  } else console.log('       qemu-system-aarch64 is not installed: its tree is not compared');
} finally {
  rmSync(folder, { recursive: true });
}
for (const problem of problems) console.error(`FAILED ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);
