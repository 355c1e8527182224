// SPDX-License-Identifier: MIT
// The stored part of a run: the machine, and the ratios. A baseline is one run (as
// written by `--json`), a history has one per line.

import { appendFile, readFile } from 'node:fs/promises';
import * as v from 'valibot';

const RECORD = v.object({
  machine: v.object({ cpu: v.string(), node: v.string() }),
  ratios: v.record(v.string(), v.number()),
  /** ISO 8601. */
  date: v.optional(v.string()),
  commit: v.optional(v.string()),
});

/** A run. */
export type BenchRun = v.InferOutput<typeof RECORD>;

/** A file of runs cannot be read, or is invalid. */
export class RunFileError extends Error {
  override readonly name = 'RunFileError';
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RunFileError(
      `${file} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function recordOf(text: string, where: string): BenchRun {
  try {
    return v.parse(RECORD, JSON.parse(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunFileError(`${where} is not a run of the benchmarks: ${why}`);
  }
}

/** @throws {RunFileError} when the file cannot be read or is not a run. */
export async function readRun(file: string): Promise<BenchRun> {
  return recordOf(await textOf(file), file);
}

/**
 * The runs of a history, oldest first.
 * @throws {RunFileError} for the first line that is not a run.
 */
export async function readHistory(file: string): Promise<BenchRun[]> {
  return (await textOf(file))
    .split('\n')
    .map((line, index) => [line, `${file}, line ${index + 1},`] as const)
    .filter(([line]) => line !== '')
    .map(([line, where]) => recordOf(line, where));
}

/** Adds a run to a history, which it creates if necessary. */
export async function appendRun(file: string, { machine, ...run }: BenchRun): Promise<void> {
  const { cpu, node } = machine;
  await appendFile(file, `${JSON.stringify({ ...run, machine: { cpu, node } })}\n`);
}

/** "20" of "v20.20.2". */
export function majorOf({ machine: { node } }: Pick<BenchRun, 'machine'>): string {
  return node.replace(/^v/, '').split('.', 1)[0] ?? '';
}
