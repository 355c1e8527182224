// SPDX-License-Identifier: MIT
// scripts/check-release.mjs on a small package of its own: what it refuses, and what it
// writes.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const MANIFEST = {
  name: 'sample',
  version: '1.2.0',
  license: 'MIT',
  files: ['index.js'],
  scripts: { prepack: "node -e \"fs.writeFileSync('index.js', 'made')\"" },
  dependencies: { other: '3.1.0' },
};
const OTHER = { version: '3.1.0', license: 'MIT' };
const lockOf = (version: string, other: object = OTHER) => ({
  name: MANIFEST.name,
  version,
  lockfileVersion: 3,
  packages: { '': { ...MANIFEST, version }, 'node_modules/other': other },
});
const CHANGELOG = `# Changes

## Unreleased

## 1.2.0 - 2026-11-29

- New.

## 1.1.0 - 2026-10-01
`;

const hasGit = spawnSync('git', ['--version']).status === 0;

describe.runIf(hasGit)('the check of a release', () => {
  let root: string;
  const git = (...args: readonly string[]) => {
    const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];
    const { status, stderr } = spawnSync('git', ['-C', root, ...identity, ...args]);
    if (status !== 0) throw new Error(String(stderr));
  };
  const write = (name: string, contents: string | object) =>
    writeFileSync(
      join(root, name),
      typeof contents === 'string' ? contents : JSON.stringify(contents),
    );
  /** Commits the working tree, with a tag. */
  const release = (tag: string) => {
    git('add', '.');
    git('commit', '--quiet', '--allow-empty', '-m', 'sample');
    git('tag', '--force', tag);
  };
  const check = () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(PROJECT, 'scripts/check-release.mjs'), '--root', root],
      { encoding: 'utf8' },
    );
    return { status, stdout, problems: stderr.split('\n').filter((line) => line !== '') };
  };

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'vsmmu-release-'));
    git('init', '--quiet');
  });
  afterAll(() => rmSync(root, { recursive: true }));
  beforeEach(() => {
    write('.gitignore', 'build/\nindex.js\n');
    write('package.json', MANIFEST);
    write('package-lock.json', lockOf('1.2.0'));
    write('CHANGELOG.md', CHANGELOG);
  });

  it('writes the tarball, the SBOM and their sums, the same ones each time', () => {
    release('v1.2.0');
    const first = check();
    expect(first).toMatchObject({ status: 0, problems: [] });
    const folder = join(root, 'build/release');
    expect(readdirSync(folder)).toEqual([
      'SHA256SUMS',
      'sample-1.2.0.cdx.json',
      'sample-1.2.0.tgz',
    ]);
    for (const line of readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n')) {
      const [sum, file = ''] = line.split('  ');
      const bytes = readFileSync(join(folder, file));
      expect(createHash('sha256').update(bytes).digest('hex'), file).toBe(sum);
    }
    const sbom = readFileSync(join(folder, 'sample-1.2.0.cdx.json'), 'utf8');
    expect(JSON.parse(sbom)).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'sample', version: '1.2.0' } },
      components: [{ name: 'other', version: '3.1.0' }],
    });
    expect(sbom).not.toContain(basename(root));
    expect(check().stdout).toBe(first.stdout);
  });

  it.each<
    [
      what: string,
      tag: string,
      files: Readonly<Record<string, string | object>>,
      problems: string[],
    ]
  >([
    ['no tag', 'other', {}, ['HEAD has no tag v1.2.0']],
    [
      'the tag of another version',
      'v1.3.0',
      {},
      ['HEAD has no tag v1.2.0', 'HEAD has the tag v1.3.0, and package.json the version 1.2.0'],
    ],
    [
      'another version in the lock file',
      'v1.2.0',
      { 'package-lock.json': lockOf('1.1.0') },
      ['package-lock.json has the version 1.1.0, not 1.2.0'],
    ],
    [
      'another dependency in the lock file',
      'v1.2.0',
      { 'package-lock.json': lockOf('1.2.0', { ...OTHER, version: '3.2.0' }) },
      ['check-release: npm sbom: invalid: other@3.2.0, 3.1.0 required by sample@1.2.0'],
    ],
    [
      'no section in the changelog',
      'v1.2.0',
      { 'CHANGELOG.md': '# Changes\n\n## 1.1.0 - 2026-10-01\n\n- Old.\n' },
      ['the latest section of CHANGELOG.md is not "## 1.2.0 - YYYY-MM-DD"'],
    ],
    [
      'a section without a date',
      'v1.2.0',
      { 'CHANGELOG.md': '# Changes\n\n## 1.2.0\n\n- New.\n' },
      ['the latest section of CHANGELOG.md is not "## 1.2.0 - YYYY-MM-DD"'],
    ],
    [
      'an empty section',
      'v1.2.0',
      { 'CHANGELOG.md': CHANGELOG.replace('- New.\n', '') },
      ['the section 1.2.0 of CHANGELOG.md is empty'],
    ],
    [
      'unreleased changes',
      'v1.2.0',
      { 'CHANGELOG.md': CHANGELOG.replace('Unreleased\n', 'Unreleased\n\n- Newer.\n') },
      ['CHANGELOG.md has changes that are unreleased: they belong to 1.2.0'],
    ],
    [
      'a build that differs from one time to the next',
      'v1.2.0',
      {
        'package.json': {
          ...MANIFEST,
          scripts: { prepack: 'node -e "fs.writeFileSync(\'index.js\', crypto.randomUUID())"' },
        },
      },
      ['packing twice gives sample-1.2.0.tgz with other bytes'],
    ],
  ])('refuses %s', (_, tag, files, problems) => {
    rmSync(join(root, 'build'), { recursive: true, force: true });
    for (const [name, contents] of Object.entries(files)) write(name, contents);
    release(tag);
    if (tag !== 'v1.2.0') spawnSync('git', ['-C', root, 'tag', '--delete', 'v1.2.0']);
    expect(check()).toMatchObject({ status: 1, problems });
    expect(existsSync(join(root, 'build'))).toBe(false);
    spawnSync('git', ['-C', root, 'tag', '--delete', tag]);
  });

  it('refuses changes that are not committed', () => {
    release('v1.2.0');
    write('README.md', 'New.\n');
    expect(check().problems).toEqual(['the working tree has changes that are not committed']);
    rmSync(join(root, 'README.md'));
  });

  it('reports a usage error in one line, with status 2', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(PROJECT, 'scripts/check-release.mjs'), '--rot'],
      { encoding: 'utf8' },
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(/^check-release: Unknown option '--rot'.*\n$/);
  });
});
