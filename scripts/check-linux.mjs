#!/usr/bin/env node
// Debian's own arm64 kernels on the board `virt`, byte for byte: each boots to klibc's shell, with the SMMU's driver bound, no
// warning and no taint, and powers off. Packages come by apt, with Debian's signatures checked, into a cache outside of the project
// (XDG_CACHE_HOME or ~/.cache). Needs apt, dpkg-deb and `npm run build`. Arguments: parts of packages' names, to take only those.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vsmmu-linux');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Kernels by Debian's suites, newest of what a name stands for. */
const KERNELS = [
  { suite: 'forky', pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64$' },
  { suite: 'forky', pattern: '^linux-binary-7\\.2\\.[0-9]+\\+deb[0-9]+-arm64-16k$' },
  { suite: 'trixie', pattern: '^linux-image-6\\.12\\.[0-9]+\\+deb[0-9]+-arm64$' },
];
const USER_SPACE = { suite: 'forky', pattern: '^(klibc-utils|libklibc)$' };

/** Where this computer's apt has Debian from. */
function mirrorOfApt() {
  const sites = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], {
    encoding: 'utf8',
  });
  const site = sites.split('\n').find((one) => /\/debian\/?$/.test(one));
  if (site === undefined) throw new Error('apt has no source of Debian: give DEBIAN_MIRROR');
  return site;
}

const MIRROR = process.env.DEBIAN_MIRROR ?? mirrorOfApt();

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

/** apt's options by suite: each has lists and a cache of its own. @type {Map<string, string[]>} */
const options = new Map();

/** Options for a suite, whose lists are fetched. @param {string} suite */
function aptOptions(suite) {
  const at = (/** @type {string} */ name) => join(CACHE, suite, name);
  for (const folder of ['lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(at(folder), { recursive: true });
  const source = `deb [arch=arm64 signed-by=${KEYRING}] ${MIRROR} ${suite} main\n`;
  writeFileSync(at('sources.list'), source);
  const made = [
    `Dir::Etc::sourcelist=${at('sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::Lists=${at('lists')}`,
    `Dir::Cache=${at('cache')}`,
    'APT::Architecture=arm64',
    'APT::Architectures=arm64',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  execFileSync('apt-get', [...made, '-qq', 'update']);
  return made;
}

/** Runs a tool of apt. @param {string} suite @param {string} tool @param {string[]} args */
function apt(suite, tool, ...args) {
  const known = options.get(suite) ?? aptOptions(suite);
  options.set(suite, known);
  const cwd = join(CACHE, suite, 'packages');
  return execFileSync(tool, [...known, ...args], { cwd, encoding: 'utf8' });
}

/** Names of packages, in apt's order. @param {string} suite @param {string} pattern */
const search = (suite, pattern) =>
  apt(suite, 'apt-cache', 'search', '--names-only', pattern).match(/^\S+/gm) ?? [];

/** Fetches a package, and says in which folder it is unpacked. @param {string} suite @param {string} name */
function unpacked(suite, name) {
  const folder = join(CACHE, suite, 'packages');
  const root = join(folder, name);
  if (!existsSync(root)) {
    apt(suite, 'apt-get', '-qq', 'download', `${name}:arm64`);
    const file = readdirSync(folder).find((one) => one.startsWith(`${name}_`)) ?? '';
    execFileSync('dpkg-deb', ['-x', join(folder, file), root]);
  }
  return root;
}

/** Files below a folder. @param {string} root @returns {string[]} */
const filesBelow = (root) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** An archive of the format newc (Linux: Documentation/driver-api/early-userspace/buffer-format.rst). */
class Archive {
  /** @type {Buffer[]} */
  #parts = [];
  #count = 0;

  /** @param {string} name @param {number} mode @param {Uint8Array} [data] */
  add(name, mode, data = new Uint8Array()) {
    const fields = [++this.#count, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const hex = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    this.#pad(Buffer.from(`070701${hex}${name}\0`));
    this.#pad(Buffer.from(data));
  }

  /** @param {Buffer} bytes */
  #pad(bytes) {
    this.#parts.push(bytes, Buffer.alloc(-bytes.length & 3));
  }

  get bytes() {
    this.add('TRAILER!!!', 0);
    return Buffer.concat(this.#parts);
  }
}

/** klibc's programs, and an init that is a script for its shell. */
function initialRamDisk() {
  const archive = new Archive();
  const folders = ['dev', 'proc', 'sys', 'bin', 'lib', 'usr', 'usr/lib'];
  for (const folder of folders) archive.add(folder, 0o40755);
  const { suite, pattern } = USER_SPACE;
  const roots = search(suite, pattern).map((name) => unpacked(suite, name));
  for (const file of roots.flatMap(filesBelow)) {
    const program = /\/klibc\/bin\/(\w+)$/.exec(file)?.[1];
    const library = /\/(klibc-\w+\.so)$/.exec(file)?.[1];
    if (program) archive.add(`bin/${program}`, 0o100755, readFileSync(file));
    if (library)
      for (const folder of ['lib', 'usr/lib'])
        archive.add(`${folder}/${library}`, 0o100755, readFileSync(file));
  }
  archive.add('init', 0o100755, Buffer.from(INIT));
  return archive.bytes;
}

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
const initrd = join(CACHE, 'klibc.cpio');
mkdirSync(CACHE, { recursive: true });
writeFileSync(initrd, initialRamDisk());
let checked = 0;
for (const { suite, pattern } of KERNELS) {
  const name = search(suite, pattern).at(-1);
  if (name === undefined) continue;
  if (asked.length > 0 && !asked.some((part) => name.includes(part))) continue;
  const kernel =
    filesBelow(unpacked(suite, name)).find((file) => /\/vmlinuz[^/]*$/.test(file)) ?? '';
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
