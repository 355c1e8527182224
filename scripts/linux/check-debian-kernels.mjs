#!/usr/bin/env node
// Debian's own arm64 kernels on the board `virt`, byte for byte: each boots to klibc's shell, with the SMMU's driver bound, no
// warning and no taint, and powers off. The first one with several vCPUs as well, one of which is taken off and on. Packages come by apt, with Debian's signatures checked, into a cache outside of the project
// (XDG_CACHE_HOME or ~/.cache). Needs apt, dpkg-deb and `npm run build`. Arguments: parts of packages' names, to take only those.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DebianSuite, filesBelow, LINUX_CACHE } from './debian-packages.mjs';
import { initialRamDisk } from './initial-ram-disk.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Kernels by Debian's suites, newest of what a name stands for, and numbers of vCPUs. */
const KERNELS = [
  {
    suite: 'forky',
    pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64$',
    numbers: [1, 2, 4, 8],
  },
  {
    suite: 'forky',
    pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64-16k$',
    numbers: [1],
  },
  { suite: 'trixie', pattern: '^linux-image-6\\.12\\.[0-9]+\\+deb[0-9]+-arm64$', numbers: [1] },
];

const TIMEOUT = '300';
const INIT = `#!/bin/sh
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
echo "shell of $(uname -m)"
echo "taint $(cat /proc/sys/kernel/tainted)"
ls /sys/class/iommu
one=/sys/devices/system/cpu/cpu1/online
if [ -e $one ]; then echo 0 >$one; echo 1 >$one; fi
echo "online $(cat /sys/devices/system/cpu/online)"
sleep 1
poweroff -f
`;
/** What a boot prints, in this order. @param {number} vcpus */
const expectedOf = (vcpus) => [
  /arm-smmu-v3 9050000\.iommu: allocated 256 entries for cmdq/,
  /^shell of aarch64/m,
  /^taint 0\r?$/m,
  /smmu3\.0x0000000009050000/,
  ...(vcpus > 1 ? [/psci: CPU1 killed/, /CPU1: Booted secondary processor/] : []),
  new RegExp(`^online 0${vcpus > 1 ? `-${vcpus - 1}` : ''}\r?$`, 'm'),
  /reboot: Power down/,
];
const FORBIDDEN = /WARNING:|BUG:|Oops|Call trace:/;

/** What is wrong with a boot. @param {number | null} status @param {string} output @param {number} vcpus */
function problemsOf(status, output, vcpus) {
  const problems = status === 0 ? [] : [`exit status ${status}`];
  let rest = output;
  for (const expected of expectedOf(vcpus)) {
    const at = rest.search(expected);
    if (at < 0) problems.push(`no ${expected} after what was found`);
    else rest = rest.slice(at);
  }
  const bad = output.split('\n').find((line) => FORBIDDEN.test(line));
  return bad === undefined ? problems : [...problems, bad];
}

/** Boots a kernel, and says how that went. @param {string} name @param {string} kernel @param {number} vcpus */
function check(name, kernel, vcpus) {
  const args = ['boot', kernel, '--arch', 'arm64', '--initrd', initrd, '--timeout', TIMEOUT];
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [CLI, ...args, '--vcpus', String(vcpus), '--append', 'console=ttyAMA0 ignore_loglevel'],
    { encoding: 'utf8' },
  );
  const problems = problemsOf(status, stdout + stderr, vcpus);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}, ${vcpus} vCPUs, ${seconds} s`);
  for (const problem of problems) console.log(`     ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

const asked = process.argv.slice(2);
const initrd = join(LINUX_CACHE, 'klibc.cpio');
mkdirSync(LINUX_CACHE, { recursive: true });
writeFileSync(initrd, initialRamDisk(INIT));
let checked = 0;
for (const { suite, pattern, numbers } of KERNELS) {
  const debian = new DebianSuite(suite, 'arm64');
  const name = debian.search(pattern).at(-1);
  if (name === undefined) continue;
  if (asked.length > 0 && !asked.some((part) => name.includes(part))) continue;
  const kernel =
    filesBelow(debian.unpacked(name)).find((file) => /\/vmlinuz[^/]*$/.test(file)) ?? '';
  for (const vcpus of numbers) check(name, kernel, vcpus);
  checked++;
}
if (checked === 0) {
  console.error('no kernel was found');
  process.exitCode = 1;
}
