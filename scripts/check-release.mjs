#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Checks whether the current commit can be published: its tag, version and CHANGELOG.md
// agree, the tree is unchanged, and packing twice gives the same bytes.
//
// `node scripts/check-release.mjs [--root DIR]` prints problems, one line each, with
// status 1. Without problems, it writes the tarball, its SBOM (CycloneDX) and the SHA-256
// of both to build/release.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = 'build/release';
const SBOM_OPTIONS = ['--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];

/**
 * Problems with the version in git, the lock file and the changelog.
 * @param {string} root
 * @param {string} version of package.json.
 * @returns {string[]}
 */
function checkVersion(root, version) {
  const git = (/** @type {readonly string[]} */ args) =>
    spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' }).stdout?.trim() ?? '';
  const problems = [];
  const tags = git(['tag', '--points-at', 'HEAD']).split('\n');
  if (!tags.includes(`v${version}`)) problems.push(`HEAD has no tag v${version}`);
  for (const tag of tags)
    if (/^v\d/.test(tag) && tag !== `v${version}`)
      problems.push(`HEAD has the tag ${tag}, and package.json the version ${version}`);
  if (git(['status', '--porcelain']) !== '')
    problems.push('the working tree has changes that are not committed');
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  if (lock.version !== version || lock.packages[''].version !== version)
    problems.push(`package-lock.json has the version ${lock.version}, not ${version}`);
  return [
    ...problems,
    ...checkChangelog(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version),
  ];
}

/**
 * @param {string} changelog
 * @param {string} version
 * @returns {string[]}
 */
function checkChangelog(changelog, version) {
  const sections = changelog
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      return { heading, isEmpty: lines.join('').trim() === '' };
    });
  const unreleased = sections.find(({ heading }) => heading === 'Unreleased');
  const problems = [];
  if (unreleased && !unreleased.isEmpty)
    problems.push(`CHANGELOG.md has changes that are unreleased: they belong to ${version}`);
  const [latest] = sections.filter((section) => section !== unreleased);
  const [, stated] = /^(\S+) - \d{4}-\d\d-\d\d$/.exec(latest?.heading ?? '') ?? [];
  if (stated !== version)
    problems.push(`the latest section of CHANGELOG.md is not "## ${version} - YYYY-MM-DD"`);
  else if (latest?.isEmpty) problems.push(`the section ${version} of CHANGELOG.md is empty`);
  return problems;
}

/** npm ended with an error. */
class NpmError extends Error {}

/**
 * Runs npm.
 * @param {string} root
 * @param {readonly string[]} args
 * @returns {string} its output.
 * @throws {NpmError} with npm's reason.
 */
function npm(root, args) {
  const shell = process.platform === 'win32';
  const { stdout, stderr, status } = spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell });
  if (status === 0) return stdout;
  const lines = (stderr ?? '').split('\n').filter((line) => !/ code |A complete log/.test(line));
  const reasons = lines.map((line) => line.replace(/^npm error\s*/, '')).filter(Boolean);
  throw new NpmError(`npm ${args[0]}: ${reasons.join('; ') || 'it cannot be run'}`);
}

/**
 * Builds and packs, as `npm publish` does.
 * @param {string} root
 * @returns {{ name: string, bytes: Buffer }}
 */
function pack(root) {
  const folder = mkdtempSync(join(tmpdir(), 'vsmmu-release-'));
  try {
    npm(root, ['run', '--silent', '--if-present', 'prepack']);
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const [{ filename }] = JSON.parse(npm(root, args));
    return { name: filename, bytes: readFileSync(join(folder, filename)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The package and its dependencies. npm refuses when package-lock.json disagrees with
 * package.json. It uses the folder's name as the package's, and invents a number and a
 * time in each call; without these the same commit has the same SBOM.
 * @param {string} root
 * @param {{ name: string }} manifest
 */
function sbomOf(root, { name }) {
  const { serialNumber: _number, ...sbom } = JSON.parse(npm(root, ['sbom', ...SBOM_OPTIONS]));
  const { timestamp: _time, ...metadata } = sbom.metadata;
  metadata.component.name = name;
  return { ...sbom, metadata };
}

/** @param {Buffer | string} bytes */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/**
 * @param {string} root
 * @returns {string[]} problems.
 */
function checkRelease(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const problems = checkVersion(root, manifest.version);
  if (problems.length > 0) return problems;
  const sbom = sbomOf(root, manifest);
  const { name, bytes } = pack(root);
  if (!pack(root).bytes.equals(bytes)) return [`packing twice gives ${name} with other bytes`];
  const files = /** @type {const} */ ([
    [name, bytes],
    [name.replace(/\.tgz$/, '.cdx.json'), `${JSON.stringify(sbom, null, 2)}\n`],
  ]);
  const folder = join(root, OUTPUT);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, contents] of files) writeFileSync(join(folder, file), contents);
  const sums = files.map(([file, contents]) => `${sha256(contents)}  ${file}\n`).join('');
  writeFileSync(join(folder, 'SHA256SUMS'), sums);
  console.log(`${OUTPUT}:\n${sums.trimEnd()}`);
  return [];
}

try {
  const { values } = parseArgs({ options: { root: { type: 'string', default: ROOT } } });
  const problems = checkRelease(values.root);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
} catch (error) {
  console.error(`check-release: ${error instanceof Error ? error.message : error}`);
  process.exitCode = error instanceof NpmError ? 1 : 2;
}
