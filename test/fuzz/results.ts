// SPDX-License-Identifier: MIT
// Past fuzzing: test/fuzz/results.json, which accumulates.

import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Runs of one target at one commit, with consecutive seeds. */
export interface ResultEntry {
  readonly target: string;
  /** The commit of the code that ran; with `+` when files had changed. */
  readonly commit: string;
  readonly firstSeed: number;
  /** Of the last run that ended without a finding. */
  readonly lastSeed: number;
  readonly operations: number;
  readonly seconds: number;
}

/** Entries of a file; none when the file does not exist. */
export function readResults(file: string): readonly ResultEntry[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as readonly ResultEntry[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The seed after those of a target. */
export function nextSeed(entries: readonly ResultEntry[], target: string): number {
  const seeds = entries.filter((entry) => entry.target === target).map(({ lastSeed }) => lastSeed);
  return (Math.max(-1, ...seeds) + 1) % 2 ** 32;
}

const continues = (entry: ResultEntry, after: ResultEntry) =>
  entry.target === after.target &&
  entry.commit === after.commit &&
  entry.lastSeed + 1 === after.firstSeed;

/** The entries with another one, which is merged into the one that it continues. */
export function withResult(
  entries: readonly ResultEntry[],
  added: ResultEntry,
): readonly ResultEntry[] {
  const before = entries.find((entry) => continues(entry, added));
  if (!before) return [...entries, added];
  const joined = {
    ...before,
    lastSeed: added.lastSeed,
    operations: before.operations + added.operations,
    seconds: before.seconds + added.seconds,
  };
  return entries.map((entry) => (entry === before ? joined : entry));
}

/** Adds to a file atomically: a concurrent reader sees a complete file. */
export function addResult(file: string, added: ResultEntry): void {
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(withResult(readResults(file), added), null, 2)}\n`);
  renameSync(partial, file);
}

/**
 * The commit of a folder, with `+` when something in it other than `except` has changed;
 * "unknown" without Git.
 */
export function commitOf(folder: string, except: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD').trim();
    return `${commit}${git('status', '--porcelain', '--', '.', `:!${except}`) === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
