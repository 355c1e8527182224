// SPDX-License-Identifier: MIT
// The rules of scripts/check-commits.mjs (CONTRIBUTING.md, "Commits"), on messages and on
// small repositories with a history from before the check.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkCommits, checkMessage, HistoryError, START } from '../../scripts/check-commits.mjs';
import { PROJECT } from '../support/project.ts';

const SCRIPT = 'scripts/check-commits.mjs';
const WHY = '\n\nThe drain read CONS twice.';
const hasGit = spawnSync('git', ['--version']).status === 0;

describe('a commit message', () => {
  it.each([
    ['an area', `drain: CONS is read once${WHY}`],
    ['several areas', `PCIe, virtio-net: option names are checked${WHY}`],
    ['a folder as its area', `docs/internals: the drain's rounds${WHY}`],
    ['72 characters', `drain: ${'x'.repeat(65)}${WHY}`],
    ['72 characters of more than one byte', `drain: ${'é'.repeat(65)}${WHY}`],
    ['a revert with a reason', `Revert "drain: CONS"\n\nThis reverts commit abc1234.\n\nIt hung.`],
    ['a trailer after its reason', `drain: CONS${WHY}\n\nSigned-off-by: A <a@example.com>`],
  ])('may have %s', (_, message) => {
    expect(checkMessage(`${message}\n`)).toEqual([]);
  });

  it.each([
    ['no area', `Read CONS once${WHY}`, 'the subject is not "area: what"'],
    ['an empty area', `: CONS is read once${WHY}`, 'the subject is not "area: what"'],
    ['nothing after its area', `drain:${WHY}`, 'the subject is not "area: what"'],
    ['no space after its area', `drain:CONS${WHY}`, 'the subject is not "area: what"'],
    [
      '73 characters',
      `drain: ${'x'.repeat(66)}${WHY}`,
      'the subject has 73 characters, more than 72',
    ],
    ['a period', `drain: CONS is read once.${WHY}`, 'the subject ends with a period'],
    ['no empty line', 'drain: CONS\nThe drain read it.', 'no empty line follows the subject'],
    ['no body', 'drain: CONS is read once', 'no body says why'],
    ['a trailer alone', 'drain: CONS\n\nSigned-off-by: A <a@example.com>', 'no body says why'],
    [
      'a revert without a reason',
      'Revert "drain: CONS"\n\nThis reverts commit abc1234.',
      'no body says why',
    ],
    [
      'a commit to squash',
      `fixup! drain: CONS${WHY}`,
      'is meant to be squashed into another commit',
    ],
  ])('with %s is refused', (_, message, problem) => {
    expect(checkMessage(`${message}\n`)).toEqual([problem]);
  });
});

describe.runIf(hasGit)('the history', () => {
  let folder: string;
  let root: string;
  const git = (...args: readonly string[]) => {
    const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];
    const { status, stderr, stdout } = spawnSync('git', ['-C', root, ...identity, ...args], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const commit = (message: string) => git('commit', '--quiet', '--allow-empty', '-m', message);
  const problems = (base?: string) =>
    checkCommits(root, base).problems.map((line) => line.replace(/^\w+ /, ''));

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vsmmu-commits-'));
    root = join(folder, 'full');
    mkdirSync(root);
    git('init', '--quiet', '--initial-branch=main');
    commit('Old');
    git('branch', 'early');
    expect(() => checkCommits(root)).toThrow(HistoryError);
    cpSync(join(PROJECT, SCRIPT), join(root, SCRIPT), { recursive: true });
    git('add', '.');
    commit('The check itself');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('from before the check may have any messages, and so may branches and merges', () => {
    expect(checkCommits(root)).toEqual({ checked: 0, problems: [] });
    git('checkout', '--quiet', 'early');
    commit('Old, too');
    git('checkout', '--quiet', 'main');
    git('merge', '--quiet', '--no-ff', '-m', 'Merge branch early', 'early');
    expect(checkCommits(root)).toEqual({ checked: 0, problems: [] });
  });

  it('is checked from there on, in branches too', () => {
    git('checkout', '--quiet', '-b', 'topic');
    commit('Topic');
    commit(`drain: CONS${WHY}`);
    git('checkout', '--quiet', 'main');
    git('merge', '--quiet', '--no-ff', '-m', 'Merge branch topic', 'topic');
    expect(checkCommits(root).checked).toBe(2);
    expect(problems()).toEqual([
      'Topic: the subject is not "area: what"',
      'Topic: no body says why',
    ]);
  });

  it('is checked from a revision that is named, as far as that does not have it', () => {
    expect(problems('topic')).toEqual([]);
    expect(problems('early')).toContain('The check itself: no body says why');
    git('branch', 'left', 'HEAD');
    commit('drain: PROD');
    git('checkout', '--quiet', 'left');
    commit('drain: CONS');
    expect(problems('main')).toEqual(['drain: CONS: no body says why']);
    expect(() => checkCommits(root, 'missing')).toThrow('there is no commit "missing"');
    expect(() => checkCommits(root, '--all')).toThrow('there is no commit "--all"');
  });

  it('from before the rules began keeps its messages, whatever the base', () => {
    git('checkout', '--quiet', '-b', 'begun', 'main');
    const start = git('rev-parse', 'HEAD');
    expect(problems()).not.toEqual([]);
    expect(checkCommits(root, undefined, start)).toEqual({ checked: 0, problems: [] });
    expect(checkCommits(root, 'early', start)).toEqual({ checked: 0, problems: [] });
    commit('drain: CONS is published');
    for (const base of [undefined, 'early', 'main'])
      expect(checkCommits(root, base, start), base).toEqual({
        checked: 1,
        problems: [expect.stringMatching(/ drain: CONS is published: no body says why$/)],
      });
  });

  it('of this project has the commit after which the rules apply', ({ skip }) => {
    const inProject = (...args: readonly string[]) =>
      spawnSync('git', ['-C', PROJECT, ...args], { encoding: 'utf8' });
    const shallow = inProject('rev-parse', '--is-shallow-repository');
    if (shallow.stdout.trim() !== 'false') skip('no history here');
    expect(inProject('merge-base', '--is-ancestor', START, 'HEAD').status).toBe(0);
  });

  it('that is incomplete is no history', () => {
    git('clone', '--quiet', '--depth', '1', `file://${root}`, join(folder, 'shallow'));
    expect(() => checkCommits(join(folder, 'shallow'))).toThrow('the clone is shallow');
    expect(() => checkCommits(tmpdir())).toThrow('this is not a git repository');
  });

  it('is checked by the command, in status and in lines', () => {
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, [SCRIPT, ...args], { cwd: root, encoding: 'utf8' });
    git('checkout', '--quiet', '-b', 'good', 'main');
    expect(run('--base', 'main')).toMatchObject({ status: 0, stderr: '' });
    commit('drain: PROD is read');
    expect(run('--base', 'main')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^[0-9a-f]+ drain: PROD is read: no body says why\n$/),
    });
    expect(run('--bas')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^check-commits: Unknown option '--bas'.*\n$/),
    });
  });
});
