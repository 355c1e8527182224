#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// `npm run linux:build`: a Linux kernel with the drivers of SMMUv3 and CMDQV, and an
// initial RAM disk, for `vsmmu boot linux`. Sources come from apt, with Debian's
// signatures checked, or from --source; they are not changed. All output is stored in a
// cache outside of the project (XDG_CACHE_HOME or ~/.cache) and reused.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compilePrograms } from './compile-programs.mjs';
import { DebianSuite, filesBelow, LINUX_CACHE } from './debian-packages.mjs';
import { initialRamDisk } from './initial-ram-disk.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FRAGMENT = join(ROOT, 'linux/kernel.config');
const INIT = join(ROOT, 'linux/init.sh');
/** Debian suites with kernels whose CMDQV driver supports device trees, newest first. */
const SOURCES = [
  { suite: 'forky', pattern: '^linux-source-7\\.2$' },
  { suite: 'trixie-backports', pattern: '^linux-source-7\\.2$' },
  { suite: 'forky', pattern: '^linux-source-7\\.[0-9]+$' },
];
/** The binding that a kernel's driver needs to find a CMDQV in the device tree. */
const DRIVER = 'drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c';
const BINDING = 'nvidia,cmdqv';
/** Programs that a build calls, with their Debian packages. */
const TOOLS = {
  'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu',
  gcc: 'gcc libc6-dev',
  make: 'make',
  flex: 'flex',
  bison: 'bison',
  bc: 'bc',
  tar: 'tar',
  xz: 'xz-utils',
};
const USAGE = `npm run linux:build -- [options]
  --source PATH      a kernel's source, a folder or a packed one; default: Debian's linux-source-7.2
  --pages SIZE       4k, 16k or 64k: size of the kernel's pages; default 4k
  --va-bits N        virtual address bits: 39 or 48 of 4k pages, 47 or 48 of 16k, 42 or 48 of 64k
  --config FILE      further options of the kernel; may be given several times
  --name NAME        what is made is called this; default: linux`;

class UsageError extends Error {}

/** @param {string} text */
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** @param {string} program */
const isThere = (program) =>
  spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;

/** Installs the programs that a build calls, or reports the missing ones. */
function requireTools() {
  const missing = Object.entries(TOOLS).filter(([program]) => !isThere(program));
  if (missing.length === 0) return;
  const packages = missing.flatMap(([, names]) => names.split(' '));
  if (process.getuid?.() !== 0 || !isThere('apt-get')) {
    const names = missing.map(([program]) => program).join(', ');
    throw new UsageError(`missing: ${names} (Debian packages: ${packages.join(' ')})`);
  }
  console.log(`installing ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['-qq', 'update'], { env });
  const args = ['-qq', 'install', '-y', '--no-install-recommends', ...packages];
  execFileSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The folder of a source archive, which is unpacked once. @param {string} archive */
function unpack(archive) {
  const { size, mtimeMs } = statSync(archive);
  const key = sha256(`${archive} ${size} ${mtimeMs}`).slice(0, 16);
  const folder = join(LINUX_CACHE, 'sources', `${basename(archive).split('.tar')[0]}-${key}`);
  if (!existsSync(folder)) {
    console.log(`unpacking ${basename(archive)}`);
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    execFileSync('tar', ['-xf', archive, '-C', partial]);
    renameSync(partial, folder);
  }
  const [only, ...others] = readdirSync(folder);
  return only !== undefined && others.length === 0 ? join(folder, only) : folder;
}

/** The archive of a Debian suite. @param {{ suite: string, pattern: string }} place */
function archiveOf({ suite, pattern }) {
  try {
    const debian = new DebianSuite(suite, 'amd64');
    const name = debian.search(pattern).at(-1);
    if (name === undefined) return undefined;
    console.log(`source: ${name} of Debian ${suite}`);
    return filesBelow(debian.unpacked(name)).find((file) => /\.tar\.xz$/.test(file));
  } catch (error) {
    // Not every mirror has every suite.
    console.log(
      `Debian ${suite}: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
    );
    return undefined;
  }
}

/** The archive of Debian's newest suitable kernel. */
function archiveOfDebian() {
  if (!isThere('apt-get'))
    throw new UsageError('apt is missing: name a kernel source with --source');
  for (const place of SOURCES) {
    const archive = archiveOf(place);
    if (archive !== undefined) return archive;
  }
  throw new UsageError(
    'apt has no linux-source-7.* of Debian: give the source of a kernel by --source',
  );
}

/** The folder of the kernel's source. @param {string | undefined} asked */
function sourceFolder(asked) {
  const at = resolve(asked ?? archiveOfDebian());
  if (!existsSync(at)) throw new UsageError(`there is no ${at}`);
  const folder = statSync(at).isDirectory() ? at : unpack(at);
  const driver = join(folder, DRIVER);
  if (!existsSync(driver)) throw new UsageError(`${folder} has no ${DRIVER}`);
  if (!readFileSync(driver, 'utf8').includes(BINDING))
    console.log('this kernel does not find a CMDQV by the device tree: it uses the one CMDQ');
  return folder;
}

/**
 * Options for pages and addresses.
 * @param {string} pages
 * @param {string | undefined} vaBits
 */
function memoryOptions(pages, vaBits) {
  const sizes = /** @type {const} */ ({
    '4k': ['39', '48'],
    '16k': ['47', '48'],
    '64k': ['42', '48'],
  });
  const bits = sizes[/** @type {keyof typeof sizes} */ (pages)];
  if (bits === undefined) throw new UsageError('--pages is 4k, 16k or 64k');
  const chosen = vaBits ?? bits[0];
  if (!bits.some((one) => one === chosen))
    throw new UsageError(`--va-bits is ${bits.join(' or ')} with ${pages} pages`);
  return `CONFIG_ARM64_${pages.toUpperCase()}_PAGES=y\nCONFIG_ARM64_VA_BITS_${chosen}=y\n`;
}

/** Options that are not set as requested. @param {string} asked @param {string} config */
function unmet(asked, config) {
  const lines = new Set(config.split('\n'));
  return asked.split('\n').filter((line) => {
    const off = /^# (CONFIG_\w+) is not set$/.exec(line)?.[1];
    // An option whose dependency is off is not mentioned at all.
    if (off !== undefined) return config.includes(`\n${off}=`);
    return /^CONFIG_\w+=/.test(line) && !lines.has(line);
  });
}

/**
 * Runs make, and shows its progress.
 * @param {string} source
 * @param {string} objects
 * @param {string[]} args
 */
async function make(source, objects, ...args) {
  const env = {
    ...process.env,
    ARCH: 'arm64',
    CROSS_COMPILE: 'aarch64-linux-gnu-',
    KBUILD_BUILD_TIMESTAMP: '2026-01-01',
    KBUILD_BUILD_USER: 'vsmmu',
    KBUILD_BUILD_HOST: 'vsmmu',
  };
  const child = spawn('make', ['-C', source, `O=${objects}`, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const begin = performance.now();
  let files = 0;
  const say = () => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    console.log(`  ${files} files compiled, ${seconds} s`);
  };
  const timer = setInterval(say, 15_000);
  createInterface(child.stdout).on('line', (line) => {
    if (/^ {2}(CC|AS) /.test(line)) files++;
  });
  /** @type {string[]} */
  const errors = [];
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  const status = await new Promise((end) => child.on('close', end).on('error', () => end(1)));
  clearInterval(timer);
  if (files > 0) say();
  if (status !== 0) throw new Error(`make failed:\n${errors.slice(-30).join('\n')}`);
}

/** The inputs of a build. @param {string} source @param {string} config */
function recordOf(source, config) {
  const version = execFileSync('make', ['-s', '-C', source, 'kernelversion'], { encoding: 'utf8' });
  const compiler = execFileSync('aarch64-linux-gnu-gcc', ['-dumpfullversion'], {
    encoding: 'utf8',
  });
  return {
    version: version.trim(),
    source,
    compiler: compiler.trim(),
    config: sha256(config),
  };
}

async function build() {
  const { values } = parseArgs({
    options: {
      source: { type: 'string' },
      pages: { type: 'string', default: '4k' },
      'va-bits': { type: 'string' },
      config: { type: 'string', multiple: true, default: [] },
      name: { type: 'string', default: 'linux' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(USAGE);
  if (!/^[\w.-]+$/.test(values.name)) throw new UsageError('--name is letters, digits, - and .');
  const fragment = [
    readFileSync(FRAGMENT, 'utf8'),
    memoryOptions(values.pages, values['va-bits']),
    ...values.config.map((file) => readFileSync(file, 'utf8')),
  ].join('\n');
  requireTools();
  const source = sourceFolder(values.source);
  const record = recordOf(source, fragment);
  const result = join(LINUX_CACHE, 'built', values.name);
  const image = join(result, 'Image');
  const recordFile = join(result, 'kernel.json');
  mkdirSync(result, { recursive: true });
  const text = `${JSON.stringify(record, null, 2)}\n`;
  // The contents of a user's folder may have changed: only make can tell.
  const isFolder = values.source !== undefined && statSync(values.source).isDirectory();
  const isBuilt =
    existsSync(image) && existsSync(recordFile) && readFileSync(recordFile, 'utf8') === text;
  if (isBuilt && !isFolder) {
    console.log(`Linux ${record.version} is built already`);
  } else {
    console.log(`building Linux ${record.version}`);
    const objects = join(LINUX_CACHE, 'objects', values.name);
    mkdirSync(objects, { recursive: true });
    const given = join(objects, 'vsmmu.config');
    writeFileSync(given, fragment);
    await make(source, objects, `KCONFIG_ALLCONFIG=${given}`, 'allnoconfig');
    const missing = unmet(fragment, readFileSync(join(objects, '.config'), 'utf8'));
    if (missing.length > 0)
      throw new Error(`the kernel lacks the requested options:\n${missing.join('\n')}`);
    await make(source, objects, `-j${cpus().length + 1}`, 'Image');
    rmSync(recordFile, { force: true });
    writeFileSync(image, readFileSync(join(objects, 'arch/arm64/boot/Image')));
    writeFileSync(join(result, 'System.map'), readFileSync(join(objects, 'System.map')));
    writeFileSync(recordFile, text);
  }
  const initrd = initialRamDisk(readFileSync(INIT, 'utf8'), compilePrograms());
  writeFileSync(join(result, 'initramfs.cpio'), initrd);
  console.log(`${image}\n${join(result, 'initramfs.cpio')}`);
}

try {
  await build();
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof Error &&
      'code' in error &&
      /^(ERR_PARSE_ARGS|ENOENT)/.test(String(error.code)));
  if (!(error instanceof Error)) throw error;
  console.error(`linux:build: ${error.message}`);
  process.exitCode = isUsage ? 2 : 1;
}
