#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Checks the messages of new commits (CONTRIBUTING.md, "Commits"). New commits are the
// descendants of START: older history, and branches that began before it, keep their
// messages. In a repository without START (a squashed history), they are the descendants
// of the commit that added this file. `--base REV` checks the commits of HEAD that
// neither REV nor START has instead.
//
// Prints one line for each problem, and exits with 1. Status 2: there is no history to
// check.

import { spawnSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OWN_PATH = 'scripts/check-commits.mjs';
/**
 * All messages after this commit follow the rules; 19 before it do not, and history is
 * not rewritten.
 */
export const START = 'd3ba882f1a2c890b27547fc09b3bc8017792adf0';
const SUBJECT_LENGTH = 72;
/** Most bytes of the messages. */
const LOG_SIZE = 2 ** 28;

/**
 * `area: what`; the area is one word or several, as in `Linux tests: …` and `arm64,
 * boards: …`.
 */
const SUBJECT = /^[^\s:](?:[^:]*[^\s:])?: \S/;
/** Commits that `git rebase --autosquash` merges into others. */
const UNFINISHED = /^(?:fixup|squash|amend)! /;
/**
 * Lines of a body that give no reason: trailers, and the text that `git revert` writes.
 */
const NO_REASON = /^(?:[A-Z][\w-]*-by: .*|(?:Fixes|Refs|Closes): .*|This reverts commit \w+\.?)?$/;

/** The history cannot be read, or is incomplete. */
export class HistoryError extends Error {}

/**
 * The problems of a commit message.
 * @param {string} message
 * @returns {string[]}
 */
export function checkMessage(message) {
  const [subject = '', second = '', ...body] = message.trimEnd().split('\n');
  const problems = [];
  if (UNFINISHED.test(subject)) problems.push('is meant to be squashed into another commit');
  else if (!SUBJECT.test(subject)) problems.push('the subject is not "area: what"');
  const { length } = [...subject];
  if (length > SUBJECT_LENGTH)
    problems.push(`the subject has ${length} characters, more than ${SUBJECT_LENGTH}`);
  if (subject.endsWith('.')) problems.push('the subject ends with a period');
  if (second.trim() !== '') problems.push('no empty line follows the subject');
  if ([second, ...body].every((line) => NO_REASON.test(line.trim())))
    problems.push('no body says why');
  return problems;
}

/**
 * @param {string} root
 * @param {readonly string[]} args
 */
function git(root, args) {
  const { stdout, status, error } = spawnSync('git', ['-C', root, ...args], {
    encoding: 'utf8',
    maxBuffer: LOG_SIZE,
  });
  if (error) throw new HistoryError('git cannot be run');
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * Arguments of `git log` that select the new commits.
 * @param {string} root
 * @param {string | undefined} base
 * @param {string} start
 */
function newCommits(root, base, start) {
  const shallow = git(root, ['rev-parse', '--is-shallow-repository']);
  if (shallow === undefined) throw new HistoryError('this is not a git repository');
  if (shallow === 'true')
    throw new HistoryError('the clone is shallow: git fetch --unshallow gets the rest');
  const commitOf = (/** @type {string} */ revision) =>
    git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]);
  const began = commitOf(start);
  if (base !== undefined) {
    const commit = commitOf(base);
    if (!commit) throw new HistoryError(`there is no commit "${base}"`);
    return [`${commit}..HEAD`, ...(began ? [`^${began}`] : [])];
  }
  if (began) return ['--ancestry-path', `${began}..HEAD`];
  const added = git(root, ['log', '--diff-filter=A', '--format=%H', '--', OWN_PATH]);
  const first = added?.split('\n').at(-1);
  if (!first) throw new HistoryError(`no commit has added ${OWN_PATH}: name one with --base`);
  return ['--ancestry-path', `${first}..HEAD`];
}

/**
 * The problems of new commits' messages, one line each. Messages of merges are not
 * checked.
 * @param {string} root
 * @param {string} [base] a revision.
 * @param {string} [start] the commit after which the rules apply.
 * @returns {{ checked: number, problems: string[] }}
 * @throws {HistoryError}
 */
export function checkCommits(root, base, start = START) {
  const log = git(root, [
    ...['log', '-z', '--no-merges', '--format=%h %B'],
    ...newCommits(root, base, start),
  ]);
  const commits = (log ?? '').split('\0').filter((commit) => commit !== '');
  const problems = commits.flatMap((commit) => {
    const [hash = ''] = commit.split(' ', 1);
    const message = commit.slice(hash.length + 1);
    const [subject] = message.split('\n', 1);
    return checkMessage(message).map((problem) => `${hash} ${subject}: ${problem}`);
  });
  return { checked: commits.length, problems };
}

function main() {
  try {
    const { values } = parseArgs({ options: { base: { type: 'string' } } });
    const { checked, problems } = checkCommits(ROOT, values.base);
    for (const problem of problems) console.error(problem);
    console.log(`${checked} new commits, ${problems.length} problems with their messages`);
    process.exitCode = problems.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof HistoryError || error instanceof TypeError)) throw error;
    console.error(`check-commits: ${error.message}`);
    process.exitCode = 2;
  }
}

const [, program] = process.argv;
if (program && import.meta.url === pathToFileURL(program).href) main();
