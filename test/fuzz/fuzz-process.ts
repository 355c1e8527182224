// SPDX-License-Identifier: MIT
// The process that fuzzes one target. `fuzz.ts` starts it and watches how it ends: a run
// that ends the process, or never ends, is identified by the progress that was written
// before it.

import { inspect } from 'node:util';
import { type FuzzMessage, type FuzzOrder, ProgressFile } from './fuzz-messages.ts';
import { TARGETS } from './targets.ts';

/** With its causes. */
const textOf = (error: unknown) => inspect(error, { maxStringLength: 20_000 });
/** Timers and messages are handled this often. */
const TURN_MS = 50;

async function fuzz(order: FuzzOrder): Promise<FuzzMessage> {
  const { target, seed, runs: wanted, milliseconds = 0 } = order;
  const fuzzer = await TARGETS.find(({ name }) => name === target)?.create();
  if (!fuzzer) throw new RangeError(`there is no target ${target}`);
  const progress = new ProgressFile(order.progress);
  const start = performance.now();
  let turned = start;
  let operations = 0;
  let runs = 0;
  for (;;) {
    const now = performance.now();
    progress.write({ runs, operations, seconds: (now - start) / 1000 });
    if (wanted === undefined ? now - start >= milliseconds : runs >= wanted) break;
    try {
      operations += await fuzzer.run((seed + runs) % 2 ** 32);
    } catch (error) {
      return { kind: 'finding', stack: textOf(error) };
    }
    runs++;
    if (now - turned < TURN_MS) continue;
    turned = now;
    await new Promise((resolve) => setImmediate(resolve));
  }
  progress.close();
  return { kind: 'done' };
}

async function obey(order: FuzzOrder): Promise<void> {
  let message: FuzzMessage;
  try {
    message = await fuzz(order);
  } catch (error) {
    message = { kind: 'broken', stack: textOf(error) };
  }
  process.send?.(message, () => process.exit(0));
}

process.on('message', obey);
