#!/usr/bin/env node
// Debian's own arm64 kernels on the board `virt`, byte for byte: each boots to klibc's shell, with the SMMU's driver bound, no
// warning and no taint, and powers off. Packages come by apt, with Debian's signatures checked, into a cache outside of the project
// (XDG_CACHE_HOME or ~/.cache). Needs apt, dpkg-deb and `npm run build`. Arguments: parts of packages' names, to take only those.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DebianSuite, filesBelow, LINUX_CACHE } from './debian-packages.mjs';
import { initialRamDisk } from './initial-ram-disk.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Kernels by Debian's suites, newest of what a name stands for. */
const KERNELS = [
  { suite: 'forky', pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64$' },
  { suite: 'forky', pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64-16k$' },
  { suite: 'trixie', pattern: '^linux-image-6\\.12\\.[0-9]+\\+deb[0-9]+-arm64$' },
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
sleep 1
poweroff -f
`;
/** What a boot prints, in this order. */
const EXPECTED = [
  /arm-smmu-v3 9050000\.iommu: allocated 256 entries for cmdq/,
  /^shell of aarch64/m,
  /^taint 0\r?$/m,
  /smmu3\.0x0000000009050000/,
  /reboot: Power down/,
];
const FORBIDDEN = /WARNING:|BUG:|Oops|Call trace:/;

/** What is wrong with a boot. @param {number | null} status @param {string} output */
function problemsOf(status, output) {
  const problems = status === 0 ? [] : [`exit status ${status}`];
  let rest = output;
  for (const expected of EXPECTED) {
    const at = rest.search(expected);
    if (at < 0) problems.push(`no ${expected} after what was found`);
    else rest = rest.slice(at);
  }
  const bad = output.split('\n').find((line) => FORBIDDEN.test(line));
  return bad === undefined ? problems : [...problems, bad];
}

const asked = process.argv.slice(2);
const initrd = join(LINUX_CACHE, 'klibc.cpio');
mkdirSync(LINUX_CACHE, { recursive: true });
writeFileSync(initrd, initialRamDisk(INIT));
let checked = 0;
for (const { suite, pattern } of KERNELS) {
  const debian = new DebianSuite(suite, 'arm64');
  const name = debian.search(pattern).at(-1);
  if (name === undefined) continue;
  if (asked.length > 0 && !asked.some((part) => name.includes(part))) continue;
  const kernel =
    filesBelow(debian.unpacked(name)).find((file) => /\/vmlinuz[^/]*$/.test(file)) ?? '';
  const args = ['boot', kernel, '--arch', 'arm64', '--initrd', initrd, '--timeout', TIMEOUT];
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [CLI, ...args, '--append', 'console=ttyAMA0 ignore_loglevel'],
    { encoding: 'utf8' },
  );
  const problems = problemsOf(status, stdout + stderr);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}, ${seconds} s`);
  for (const problem of problems) console.log(`     ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  checked++;
}
if (checked === 0) {
  console.error('no kernel was found');
  process.exitCode = 1;
}
