// SPDX-License-Identifier: MIT
// `npm run fuzz`: a process for each target, one after the other; the runs are added to
// test/fuzz/results.json. Status 0: no findings. 1: a finding. 2: wrong options.

import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FuzzMessage, FuzzOrder, FuzzProgress } from './fuzz-messages.ts';
import { readProgress } from './fuzz-messages.ts';
import { type FuzzOptions, FuzzUsageError, fuzzOptions, fuzzUsage } from './fuzz-options.ts';
import { addResult, commitOf, nextSeed, readResults } from './results.ts';
import { TARGETS } from './targets.ts';

/**
 * A run that exceeds this hangs: the longest take a tenth of a second on an idle machine.
 */
const HANG_MS = 300_000;
const LOOK_MS = 500;
const RESULTS = 'test/fuzz/results.json';
const NAMES = TARGETS.map(({ name }) => name);

interface Outcome {
  readonly progress: FuzzProgress;
  /** The finding, if any. */
  readonly finding?: string;
  /** The user interrupted it. */
  readonly interrupted: boolean;
}

/**
 * Runs a target in a process of its own until it is done, finds something, hangs, or is
 * interrupted.
 */
async function runTarget(order: FuzzOrder): Promise<Outcome> {
  const child = fork(new URL('./fuzz-process.js', import.meta.url), { serialization: 'json' });
  let message: FuzzMessage | undefined;
  let interrupted = false;
  let hangs = false;
  const interrupt = () => {
    interrupted = true;
    child.kill('SIGKILL');
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  child.on('message', (told: FuzzMessage) => {
    message = told;
  });
  let seen = -1;
  let since = performance.now();
  const watch = setInterval(() => {
    const { runs } = readProgress(order.progress);
    if (runs !== seen) since = performance.now();
    else if (performance.now() - since > HANG_MS) {
      hangs = true;
      child.kill('SIGKILL');
    }
    seen = runs;
  }, LOOK_MS);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(signal ?? `status ${code}`));
  });
  child.send(order);
  const how = await ended;
  clearInterval(watch);
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
  const progress = readProgress(order.progress);
  if (interrupted || message?.kind === 'done') return { progress, interrupted };
  if (hangs)
    return { progress, interrupted, finding: `it does not end within ${HANG_MS / 1000} s` };
  return { progress, interrupted, finding: message?.stack ?? `the process ended with ${how}` };
}

function reportFinding(target: string, first: number, seed: number, finding: string): void {
  console.error(`${target}: seed ${seed}: ${finding}`);
  console.error(`again: npm run fuzz -- --target ${target} --seed ${seed} --runs 1 --no-record`);
  if (first === seed) return;
  const runs = (seed - first + 2 ** 32) % 2 ** 32;
  const options = `--target ${target} --seed ${first} --runs ${runs + 1}`;
  console.error(`or, if it takes what ran before it: npm run fuzz -- ${options} --no-record`);
}

/** @returns the exit status. */
async function fuzzAll(options: FuzzOptions): Promise<number> {
  const commit = commitOf('.', RESULTS);
  const folder = mkdtempSync(join(tmpdir(), 'vsmmu-fuzz-'));
  let status = 0;
  try {
    for (const target of options.targets) {
      const seed = options.seed ?? nextSeed(readResults(RESULTS), target);
      const { minutes, runs } = options;
      const milliseconds = minutes === undefined ? undefined : minutes * 60_000;
      const progress = join(folder, target);
      writeFileSync(progress, '');
      const outcome = await runTarget({ target, seed, runs, milliseconds, progress });
      const { runs: done, operations, seconds } = outcome.progress;
      const last = (seed + done - 1) % 2 ** 32;
      const rate = seconds > 0 ? Math.round(operations / seconds) : 0;
      console.log(
        `${target}: ${operations} operations in ${seconds.toFixed(1)} s (${rate}/s), ${done} runs from seed ${seed} on`,
      );
      if (done > 0 && options.record) {
        const rounded = Math.round(seconds);
        addResult(RESULTS, {
          target,
          commit,
          firstSeed: seed,
          lastSeed: last,
          operations,
          seconds: rounded,
        });
      }
      if (outcome.finding !== undefined) {
        status = 1;
        reportFinding(target, seed, (last + 1) % 2 ** 32, outcome.finding);
      }
      if (outcome.interrupted) return 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return status;
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = fuzzOptions(args, NAMES);
    if (options) return await fuzzAll(options);
    process.stdout.write(fuzzUsage(NAMES));
    return 0;
  } catch (error) {
    if (!(error instanceof FuzzUsageError)) throw error;
    console.error(`fuzz: ${error.message}`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
