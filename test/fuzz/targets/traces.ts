// SPDX-License-Identifier: MIT
// Trace files from unknown sources: a written one, with members changed, removed, of
// other types, or added. Each is summarised, or refused by a TypeError in one line; a
// summary contains finite numbers and harmless texts.

import { printableData } from '../../../cli/printable-data.ts';
import { Random } from '../../../devices/testing/index.ts';
import {
  chromeTrace,
  readChromeTrace,
  TraceCounts,
  type TraceRecord,
} from '../../../vmm/trace/index.ts';
import { ensure, type Fuzzer, FuzzFinding, type FuzzTarget, isHarmless } from '../target.ts';

/** Files per run. */
const OPERATIONS = 200;
const TEXTS = [
  'vm0',
  'LVCMDQ 0',
  'TLBI_NH_ASID',
  '',
  '\u001b[2J',
  '\u0000',
  '__proto__',
  'z'.repeat(3000),
];
const NUMBERS = [-1, 0, 0.25, 1, 2 ** 31, 1e308, -1e308, 2 ** 53];

function records(random: Random): TraceRecord[] {
  return Array.from({ length: random.below(8) }, () => ({
    process: random.pick(TEXTS),
    track: random.pick(TEXTS),
    name: random.pick(TEXTS),
    at: random.pick(NUMBERS),
    ...(random.below(2) === 0 ? { ms: random.pick(NUMBERS) } : {}),
    details: random.below(2) === 0 ? { count: random.below(9) } : {},
  }));
}

function oddValue(random: Random): unknown {
  const values = [null, true, 'text', [], {}, { name: {} }, [[]], 'NaN', 1e308, -1, '\u001b[0m'];
  return random.pick(values as readonly unknown[] as readonly (object | string)[]);
}

/** Changes one member somewhere in a JSON value. */
function change(random: Random, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const object = value as Record<string, unknown>;
  const keys = Object.keys(object);
  if (keys.length === 0 || random.below(12) === 0) {
    if (Array.isArray(value)) value.push(oddValue(random));
    else object[random.pick(['args', 'dur', 'ts', 'toString', 'length'])] = oddValue(random);
    return;
  }
  const key = random.pick(keys);
  const inner = object[key];
  if (typeof inner === 'object' && inner !== null && random.below(8) > 0) change(random, inner);
  else if (random.below(4) === 0) delete object[key];
  else object[key] = oddValue(random);
}

function checkNumbersAndTexts(value: unknown, where: string): void {
  if (typeof value === 'number')
    ensure(Number.isFinite(value), () => `${where} of the summary is ${value}`);
  else if (typeof value === 'string')
    ensure(isHarmless(value) && value !== '[object Object]', () => `${where} is "${value}"`);
  else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) checkNumbersAndTexts(one, `${where}.${key}`);
  else ensure(value !== undefined, () => `${where} of the summary is missing`);
}

/** The summary of a file, read in pieces of `length` bytes. */
async function summaryOf(bytes: Uint8Array, length: number) {
  const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length),
  );
  const counts = new TraceCounts();
  const { lost } = await readChromeTrace(pieces, (event) => counts.add(event));
  return counts.summary(lost);
}

async function checkFile(text: string, length: number): Promise<void> {
  let summary: Awaited<ReturnType<typeof summaryOf>>;
  try {
    summary = await summaryOf(new TextEncoder().encode(text), length);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    ensure(!error.message.includes('\n'), () => `the message ${error.message} is no line`);
    return;
  }
  checkNumbersAndTexts(printableData(summary), 'summary');
}

class TraceFuzzer implements Fuzzer {
  async run(seed: number): Promise<number> {
    const random = new Random(seed);
    for (let i = 0; i < OPERATIONS; i++) {
      const file: unknown = JSON.parse(
        JSON.stringify(chromeTrace(records(random), random.below(3))),
      );
      for (let left = random.below(4); left > 0; left--) change(random, file);
      let text = JSON.stringify(file);
      if (random.below(20) === 0) text = text.slice(0, random.below(text.length));
      try {
        await checkFile(text, 1 + random.below(text.length));
      } catch (cause) {
        throw new FuzzFinding(`trace ${text}`, { cause });
      }
    }
    return OPERATIONS;
  }
}

export const traces: FuzzTarget = {
  name: 'traces',
  create: () => Promise.resolve(new TraceFuzzer()),
};
