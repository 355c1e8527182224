#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Boots Debian's own arm64 kernels, unmodified, on the board `virt`: each boots to
// klibc's shell, with the SMMU's driver bound, no warning and no taint, copies a disk
// through the SMMU, and powers off. They have no driver for the CMDQV: with the one CMDQ
// trapped each unmap causes exits, on the overlay path none does. The first kernel also
// runs with several vCPUs, one of which goes offline and online. The disks are MMIO
// devices, and in another run PCIe functions behind root ports. There, a network is a
// further function: what the kernel sends to it comes back. Packages come from apt,
// with Debian's signatures checked, into a cache outside of the project (XDG_CACHE_HOME
// or ~/.cache). Needs apt, dpkg-deb, xz and `npm run build`. Arguments: parts of
// packages' names, to check only those.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { runLinux } from '../../dist/cli/linux-run.js';
import {
  MemoryDisk,
  PcieRootPort,
  VirtioBlock,
  VirtioNet,
  VirtioPci,
} from '../../dist/devices/index.js';
import { Random } from '../../dist/devices/testing/index.js';
import { CheckList, NOTE } from './check-list.mjs';
import { DebianSuite, filesBelow } from './debian-packages.mjs';
import { furtherFiles, initialRamDisk } from './initial-ram-disk.mjs';

/**
 * Kernels by Debian suite, the newest match of each name, and numbers of vCPUs in
 * addition to one.
 */
const KERNELS = [
  {
    suite: 'forky',
    pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64$',
    numbers: [2, 4, 8],
  },
  {
    suite: 'forky',
    pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64-16k$',
    numbers: [],
  },
  { suite: 'trixie', pattern: '^linux-image-6\\.12\\.[0-9]+\\+deb[0-9]+-arm64$', numbers: [] },
];

/** Modules of the drivers of virtio devices; PCIe is built in. */
const MODULES = ['virtio_mmio', 'virtio_blk', 'virtio_net'];
/** Beginning of init's first line. */
const FIRST_LINE = 'shell of';
const DISK_BYTES = 8 * 2 ** 20;
/** @param {readonly string[]} modules in the order in which they are loaded */
const initOf = (modules) => `#!/bin/sh
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
echo "${FIRST_LINE} $(uname -m)"
ls /sys/class/iommu
for module in ${modules.join(' ')}; do insmod /$module.ko; done
while [ ! -e /dev/vdb ]; do sleep 1; done
dd if=/dev/vda of=/dev/vdb bs=65536
sync
net=/sys/class/net/eth0
if [ -e $net ]; then
  echo "net $(cat $net/address) $(cat $net/device/../iommu_group/type)"
  ipconfig -c dhcp -t 5 eth0
  echo "frames $(cat $net/statistics/rx_packets) of $(cat $net/statistics/tx_packets)"
fi
one=/sys/devices/system/cpu/cpu1/online
if [ -e $one ]; then echo 0 >$one; echo 1 >$one; fi
echo "online $(cat /sys/devices/system/cpu/online)"
echo "taint $(cat /proc/sys/kernel/tainted)"
sleep 1
poweroff -f
`;
/**
 * The expected output of a boot, in this order.
 * @param {number} vcpus
 * @param {Bus} bus
 */
const expectedOf = (vcpus, bus) => [
  ...(bus === 'pcie' ? [/pci_bus 0000:02: /] : []),
  /arm-smmu-v3 9050000\.iommu: allocated 256 entries for cmdq/,
  /^shell of aarch64/m,
  /smmu3\.0x0000000009050000/,
  /virtio_blk virtio1: \[vdb\]/,
  ...(bus === 'pcie' ? [/^net 02:00:00:00:00:42 DMA$/m, /^frames [1-9][0-9]* of [1-9]/m] : []),
  ...(vcpus > 1 ? [/psci: CPU1 killed/] : []),
  new RegExp(`^online 0${vcpus > 1 ? `-${vcpus - 1}` : ''}$`, 'm'),
  /^taint 0$/m,
  /reboot: Power down/,
];
/**
 * Printed at the boot, and when the vCPU goes online again: by another thread than the
 * shell's lines.
 */
const BOOTED = /CPU1: Booted secondary processor/g;
const FORBIDDEN = /WARNING:|BUG:|Oops|Call trace:/;

/** @typedef {import('../../dist/cli/linux-run.js').LinuxPath} LinuxPath */
/** @typedef {'mmio' | 'pcie'} Bus */

/**
 * The problems of a boot.
 * @param {import('../../dist/cli/linux-run.js').LinuxRun} run
 * @param {number} vcpus
 * @param {Bus} bus
 */
function problemsOf({ end, console: output }, vcpus, bus) {
  const problems = end.status === 'off' ? [] : [`it ended ${end.status}: ${end.reason}`];
  let rest = output;
  for (const expected of expectedOf(vcpus, bus)) {
    const at = rest.search(expected);
    if (at < 0) problems.push(`no ${expected} after the lines before it`);
    else rest = rest.slice(at);
  }
  const boots = output.match(BOOTED)?.length ?? 0;
  if (vcpus > 1 && boots !== 2) problems.push(`CPU1 has booted ${boots} times`);
  const bad = output.split('\n').find((line) => FORBIDDEN.test(line));
  return bad === undefined ? problems : [...problems, bad];
}

const MOST_MODULE = 64 * 2 ** 20;

/** Names of the modules that a module needs. @param {Buffer} module */
function needsOf(module) {
  const name = Buffer.from('\0depends=', 'latin1');
  const at = module.indexOf(name);
  if (at < 0) return [];
  const start = at + name.length;
  const text = module.subarray(start, module.indexOf(0, start)).toString('latin1');
  return text.split(',').filter((needed) => needed !== '');
}

/**
 * Modules of a kernel, unpacked, each after those that it needs.
 * @param {DebianSuite} debian @param {string} name
 */
function modulesOf(debian, name) {
  const root = debian.unpacked(name.replace('linux-binary', 'linux-modules'));
  const files = filesBelow(root);
  /** @type {Map<string, Buffer>} */
  const found = new Map();
  const add = (/** @type {string} */ module) => {
    if (found.has(module)) return;
    const ending = new RegExp(`/${module.replaceAll('_', '[_-]')}\\.ko\\.xz$`);
    const packed = files.find((file) => ending.test(file));
    if (packed === undefined) throw new Error(`${name} has no ${module}`);
    const bytes = execFileSync('xz', ['-dc', packed], { maxBuffer: MOST_MODULE });
    for (const needed of needsOf(bytes)) add(needed);
    found.set(module, bytes);
  };
  for (const module of MODULES) add(module);
  return found;
}

/** Its hardware address. */
const MAC = [2, 0, 0, 0, 0, 0x42];

/**
 * A network that returns each frame, and keeps the DHCP requests among them, as the
 * device has read them.
 */
function network() {
  /** @type {Buffer[]} */
  const requests = [];
  const net = new VirtioNet({
    mac: MAC,
    onFrame(bytes) {
      net.receive(bytes);
      const frame = Buffer.from(bytes);
      if (frame.length < 282) return;
      // IPv4, UDP, from port 68 to port 67, with DHCP's magic number.
      const isDhcp =
        frame.readUInt16BE(12) === 0x800 &&
        frame.readUInt32BE(34) === 0x00440043 &&
        frame.readUInt32BE(278) === 0x63825363;
      if (isDhcp) requests.push(frame);
    },
  });
  return { net, requests };
}

/**
 * The options that attach two disks, and to PCIe a network.
 * @param {MemoryDisk[]} disks @param {VirtioNet} net @param {Bus} bus
 */
function plugged(disks, net, bus) {
  if (bus === 'mmio') return { disks };
  const functions = [
    ...disks.map((disk, i) => new VirtioPci(`disk${i}`, new VirtioBlock(disk, `${i}`))),
    new VirtioPci('net', net),
  ];
  return { pcie: functions.map((one, i) => new PcieRootPort(`port${i}`, [one])) };
}

/**
 * Boots a kernel.
 * @param {string} kernel
 * @param {Uint8Array<ArrayBuffer>} initrd
 * @param {LinuxPath} path
 * @param {number} vcpus
 * @param {Bus} bus
 */
async function copyDisk(kernel, initrd, path, vcpus, bus) {
  const random = new Random(1);
  const source = new Uint8Array(DISK_BYTES).map(() => random.below(256));
  const target = new Uint8Array(DISK_BYTES);
  const { net, requests } = network();
  const start = performance.now();
  const since = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  let init = 'never';
  const run = await runLinux({
    onLine: (line) => {
      if (line.startsWith(FIRST_LINE)) init = since();
    },
    kernel: new Uint8Array(readFileSync(kernel)),
    initrd,
    append: 'console=ttyAMA0 ignore_loglevel iommu.strict=1',
    path,
    vcpus,
    ...plugged([new MemoryDisk(source), new MemoryDisk(target)], net, bus),
  });
  const problems = problemsOf(run, vcpus, bus);
  if (Buffer.compare(source, target) !== 0) problems.push('the copy differs');
  // The client's hardware address, in the message itself.
  const isSent = requests.some((frame) => MAC.every((byte, i) => frame[70 + i] === byte));
  if (bus === 'pcie' && !isSent) problems.push('no DHCP request has reached the network');
  const { commands, exits } = run.cmdq;
  // The exits for probing, and for attaching two devices.
  if (path === 'overlay' && exits > MOST_EXITS) problems.push(`${exits} exits`);
  if (path === 'direct' && exits < commands / 2) problems.push(`only ${exits} exits`);
  const text = `${since()}, init after ${init}, ${commands} commands, ${exits} exits for them`;
  return { problems, text, init };
}

const MOST_EXITS = 60;

/** @param {LinuxPath} path @param {number} vcpus @param {Bus} bus */
const run = (path, vcpus, bus) => ({ path, vcpus, bus });

const asked = process.argv.slice(2);
const list = new CheckList();
const starts = [];
for (const { suite, pattern, numbers } of KERNELS) {
  const debian = new DebianSuite(suite, 'arm64');
  const name = debian.search(pattern).at(-1);
  if (name === undefined) continue;
  if (asked.length > 0 && !asked.some((part) => name.includes(part))) continue;
  const kernel =
    filesBelow(debian.unpacked(name)).find((file) => /\/vmlinuz[^/]*$/.test(file)) ?? '';
  const modules = modulesOf(debian, name);
  const files = Object.fromEntries([...modules].map(([module, bytes]) => [`${module}.ko`, bytes]));
  const initrd = Buffer.concat([initialRamDisk(initOf([...modules.keys()])), furtherFiles(files)]);
  const runs = [
    run('direct', 1, 'mmio'),
    run('overlay', 1, 'mmio'),
    run('overlay', 1, 'pcie'),
    ...numbers.map((vcpus) => run('direct', vcpus, 'mmio')),
  ];
  for (const { path, vcpus, bus } of runs) {
    const { problems, text, init } = await copyDisk(
      kernel,
      new Uint8Array(initrd),
      path,
      vcpus,
      bus,
    );
    list.add(`${name}, ${path}, ${vcpus} vCPUs, ${bus}`, problems, text);
    if (path === 'direct' && vcpus === 1) starts.push(`${name} ${init}`);
  }
}
console.log(`${NOTE}start to init's first line: ${starts.join(', ')}`);
list.end();
