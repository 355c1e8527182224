// npm run bench: what the hot paths cost (docs/internals/performance.md).

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { loadHotModules, loadSeparateModules } from '../assembly/load.ts';
import { measureArm64 } from './arm64/arm64-rate.ts';
import { measureDma } from './dma-rate.ts';
import { createBoard } from './drain-board.ts';
import { measureDrain } from './drain-rate.ts';
import { startHandoff } from './handoff.ts';
import { startMachines, startTracePair } from './machines.ts';
import { startNative } from './native.ts';
import { measurePaths } from './paths.ts';
import { type Results, resultsText, targetsOf } from './results.ts';
import { measureRollover } from './rollover.ts';
import { measureTrace } from './trace-cost.ts';
import { measureTranslation } from './translation.ts';
import { measureUnmap } from './unmap.ts';

const USAGE = `npm run bench -- [options]
  --json FILE   write the numbers as JSON, too
  --rounds N    interleaved rounds, default 15
  --quick       3 rounds of less work each
  --only PART   drain, translation, paths, unmap, rollover, dma, trace or
                arm64; may be given several times`;

const PARTS = ['drain', 'translation', 'paths', 'unmap', 'rollover', 'dma', 'trace', 'arm64'];
const ROUNDS = 15;
const QUICK_ROUNDS = 3;
/** Rounds of the paths that are not counted: the compilers take some thousand exits to finish. */
const WARM_UP = 10;
const QUICK_WARM_UP = 4;

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

async function main(): Promise<void> {
  const { json, rounds, quick, only } = readOptions();
  const wants = (part: string) => only.includes(part);
  const results: { -readonly [Key in keyof Results]: Results[Key] } = {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown CPU',
      cores: cpus().length,
      node: process.version,
    },
    rounds,
  };
  if (wants('drain') || wants('translation')) {
    const modules = await loadHotModules();
    const board = await createBoard(modules);
    if (wants('drain')) {
      const native = await startNative();
      if (typeof native === 'string') results.native = native;
      results.drain = await measureDrain(
        board,
        'smmuUnit' in modules ? await createBoard(await loadSeparateModules()) : undefined,
        typeof native === 'string' ? undefined : native,
        rounds,
        quick,
      );
      if (typeof native !== 'string') await native.end();
    }
    if (wants('translation')) results.translation = await measureTranslation(board, rounds, quick);
  }
  if (wants('paths') || wants('dma')) {
    const machines = await startMachines();
    const [first] = machines;
    if (wants('dma') && first) results.dma = await measureDma(first, rounds);
    if (wants('paths')) {
      const handoff = await startHandoff();
      const { paths, trip } = await measurePaths(
        machines,
        handoff.subject,
        rounds,
        quick ? QUICK_WARM_UP : WARM_UP,
      );
      await handoff.end();
      results.paths = paths;
      results.handoff = trip;
      results.targets = targetsOf(paths, trip);
    }
    for (const machine of machines) await machine.end();
  }
  if (wants('unmap')) results.unmap = await measureUnmap(rounds);
  if (wants('rollover')) results.rollover = measureRollover();
  if (wants('trace')) {
    const pair = await startTracePair();
    results.trace = await measureTrace(pair, rounds);
    for (const machine of pair) await machine.end();
  }
  if (wants('arm64')) results.arm64 = await measureArm64();
  console.log(resultsText(results));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ArgumentError)) throw error;
  console.error(`bench: ${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
