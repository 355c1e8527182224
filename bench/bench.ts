// SPDX-License-Identifier: MIT
// npm run bench: the cost of the hot paths (docs/internals/performance.md).

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs, promisify } from 'node:util';
import { loadHotModules, loadSeparateModules } from '../assembly/load.ts';
import { measureArm64 } from './arm64/arm64-rate.ts';
import { measureDma } from './dma-rate.ts';
import { createBoard } from './drain-board.ts';
import { measureDrain } from './drain-rate.ts';
import { endingAll } from './endings.ts';
import { PROJECT } from './guest-module.ts';
import { startHandoff } from './handoff.ts';
import { measureInvalidation } from './invalidation.ts';
import { startInline, startMachines, startTracePair } from './machines.ts';
import { startMailboxExit } from './mailbox-exit.ts';
import type { Ratios } from './measure.ts';
import { startNative } from './native.ts';
import { measurePaths } from './paths.ts';
import {
  appendRun,
  type BenchRun,
  majorOf,
  RunFileError,
  readHistory,
  readRun,
} from './regression/bench-run.ts';
import { compareRuns, comparisonText, mismatchOf, RUNS } from './regression/compare.ts';
import { measureCore } from './regression/core-ratios.ts';
import { historyPage } from './regression/history-page.ts';
import { partOf, ratiosOf } from './regression/ratios.ts';
import { type Results, resultsText, targetsOf } from './results.ts';
import { measureRollover } from './rollover.ts';
import { measureTrace } from './trace-cost.ts';
import { measureTranslation } from './translation.ts';
import { measureUnmap } from './unmap.ts';

const USAGE = `npm run bench -- [options]
  --json FILE      write the numbers as JSON, too
  --rounds N       interleaved rounds, default 15
  --quick          3 rounds of less work each
  --only PART      core, drain, translation, paths, unmap, invalidation, rollover, dma, trace or
                   arm64; may be given several times
  --baseline FILE  compare the ratios with those of FILE, which --json has written; runs that are
                   more than 15 % beyond are made again, and three of them end with status 1
  --history FILE   append the ratios to FILE, a line of JSON for each run
  --html FILE      write a page with plots of the history`;

const PARTS = [
  'core',
  'drain',
  'translation',
  'paths',
  'unmap',
  'invalidation',
  'rollover',
  'dma',
  'trace',
  'arm64',
];
const ROUNDS = 15;
const QUICK_ROUNDS = 3;
/**
 * Rounds of the paths that are not counted: the JIT compilers take some thousand exits to
 * finish.
 */
const WARM_UP = 10;
const QUICK_WARM_UP = 4;

const MACHINE = {
  cpu: cpus()[0]?.model ?? 'unknown CPU',
  cores: cpus().length,
  node: process.version,
};

class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'string' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: PARTS },
        baseline: { type: 'string' },
        history: { type: 'string' },
        html: { type: 'string' },
      },
    });
    const rounds =
      values.rounds === undefined ? (values.quick ? QUICK_ROUNDS : ROUNDS) : Number(values.rounds);
    if (!(Number.isInteger(rounds) && rounds > 0))
      throw new ArgumentError(`--rounds takes a number above 0, not ${values.rounds}`);
    const unknown = values.only.find((part) => !PARTS.includes(part));
    if (unknown !== undefined) throw new ArgumentError(`there is no part ${unknown}`);
    return { ...values, rounds };
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
}

async function measureParts(
  only: readonly string[],
  rounds: number,
  quick: boolean,
): Promise<Results> {
  const wants = (part: string) => only.includes(part);
  const results: { -readonly [Key in keyof Results]: Results[Key] } = { machine: MACHINE, rounds };
  if (wants('core') || wants('drain') || wants('translation')) {
    const modules = await loadHotModules();
    const board = await createBoard(modules);
    await endingAll(async (ending) => {
      const started = wants('core') || wants('drain') ? await startNative() : undefined;
      const native = typeof started === 'object' ? ending(started) : undefined;
      if (typeof started === 'string') results.native = started;
      if (wants('core'))
        results.core = await endingAll(async (endingCore) =>
          measureCore(board, endingCore(await startInline()), native, rounds),
        );
      if (wants('drain')) {
        results.drain = await measureDrain(
          board,
          'smmuUnit' in modules ? await createBoard(await loadSeparateModules()) : undefined,
          native,
          rounds,
          quick,
        );
      }
    });
    if (wants('translation')) results.translation = await measureTranslation(board, rounds, quick);
  }
  if (wants('paths') || wants('dma'))
    await endingAll(async (ending) => {
      const machines = wants('paths') ? await startMachines(ending) : [ending(await startInline())];
      const [first] = machines;
      if (wants('dma') && first) results.dma = await measureDma(first, rounds);
      if (!wants('paths')) return;
      const { paths, trip, exit } = await endingAll(async (endingBare) => {
        const handoff = endingBare(await startHandoff());
        const mailboxExit = endingBare(await startMailboxExit());
        return await measurePaths(
          machines,
          { handoff: handoff.subject, exit: mailboxExit.subject },
          rounds,
          quick ? QUICK_WARM_UP : WARM_UP,
        );
      });
      results.paths = paths;
      results.handoff = trip;
      results.mailboxExit = exit;
      results.targets = targetsOf(paths, trip);
    });
  if (wants('unmap')) results.unmap = await measureUnmap(rounds);
  if (wants('invalidation')) results.invalidation = await measureInvalidation(rounds);
  if (wants('rollover')) results.rollover = measureRollover();
  if (wants('trace'))
    results.trace = await endingAll(async (ending) =>
      measureTrace(await startTracePair(ending), rounds),
    );
  if (wants('arm64')) results.arm64 = await measureArm64();
  return results;
}

async function commitOf(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: PROJECT,
    });
    return stdout.trim();
  } catch {
    // A tree without git has no commit.
    return undefined;
  }
}

async function writePage(
  file: string,
  run: BenchRun,
  history: string | undefined,
  baseline: BenchRun | undefined,
): Promise<void> {
  const runs = history === undefined ? [run] : await readHistory(history);
  const alike = runs.filter(
    (one) => one.machine.cpu === run.machine.cpu && majorOf(one) === majorOf(run),
  );
  await writeFile(file, historyPage(alike, baseline?.ratios));
}

/**
 * Makes a run, and further runs of those parts that have a ratio beyond the baseline's in
 * all runs so far.
 */
async function measureAgainst(
  baseline: BenchRun | undefined,
  measureOnly: (parts: readonly string[]) => Promise<Results>,
  only: readonly string[],
): Promise<Results> {
  const mismatch = baseline && mismatchOf(baseline, { machine: MACHINE });
  if (mismatch !== undefined) throw new RunFileError(mismatch);
  const results = await measureOnly(only);
  console.log(resultsText(results));
  if (!baseline) return results;
  const runs: Ratios[] = [ratiosOf(results)];
  let rows = compareRuns(baseline.ratios, runs);
  if (rows.length === 0) throw new RunFileError('the baseline has no ratio that was measured');
  for (let run = 2; run <= RUNS && rows.some(({ isWorse }) => isWorse); run++) {
    const worse = new Set(rows.filter(({ isWorse }) => isWorse).map(({ name }) => partOf(name)));
    runs.push(ratiosOf(await measureOnly(only.filter((part) => worse.has(part)))));
    rows = compareRuns(baseline.ratios, runs);
  }
  console.log(`\n${comparisonText(rows)}`);
  const isSameCpu = baseline.machine.cpu === results.machine.cpu;
  if (!isSameCpu)
    console.log(`The baseline is of another CPU (${baseline.machine.cpu}): this decides nothing`);
  else if (rows.some(({ isWorse }) => isWorse)) process.exitCode = 1;
  return results;
}

async function main(): Promise<void> {
  const { json, rounds, quick, only, baseline: file, history, html } = readOptions();
  const baseline = file === undefined ? undefined : await readRun(file);
  const results = await measureAgainst(
    baseline,
    (parts) => measureParts(parts, rounds, quick),
    only,
  );
  const ratios = ratiosOf(results);
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ ...results, ratios }, null, 2)}\n`);
  const date = new Date().toISOString();
  const run = { machine: results.machine, ratios, date, commit: await commitOf() };
  if (history !== undefined) await appendRun(history, run);
  if (html !== undefined) await writePage(html, run, history, baseline);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ArgumentError || error instanceof RunFileError)) throw error;
  console.error(`bench: ${error.message}${error instanceof ArgumentError ? `\n${USAGE}` : ''}`);
  process.exitCode = 2;
}
