// SPDX-License-Identifier: MIT
// Objects of options: those of the API, and of a --config file. Each is accepted as it
// is, or refused by an OptionsError in one harmless line that names the option.

import { isDeepStrictEqual } from 'node:util';
import { BOOT_SETTINGS } from '../../../cli/boot-settings.ts';
import { Random } from '../../../devices/testing/index.ts';
import { OptionsError } from '../../../vmm/api/api-errors.ts';
import { checkOptions } from '../../../vmm/api/option-checks.ts';
import { HOST_SETTINGS, MACHINE_SETTINGS } from '../../../vmm/api/settings.ts';
import { ensure, ensureHarmlessLine, type Fuzzer, type FuzzTarget } from '../target.ts';

/** Objects per run. */
const OPERATIONS = 500;
const SCHEMAS = [HOST_SETTINGS, MACHINE_SETTINGS, BOOT_SETTINGS] as const;
const ODD_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'Vms',
  '\u001b[31m',
  'x'.repeat(2000),
];
const WORDS = ['inline', 'mailbox', 'thread', 'auto', 'toy', 'all', 'vcmdq', 'ecmdq', 'direct'];
const ODD_TEXTS = ['', '\u0000', '\u001b]0;x\u0007', '\u202e', '\ud800', 'y'.repeat(10_000)];
const NUMBERS = [-1, 0, 0.5, 1, 2, 3, 4, 16, 64, 128, 4096, 2 ** 31, 2 ** 32, 1e300, 2 ** 53];
/** A line that contains the names of all options of a command. */
const MOST_MESSAGE = 2000;
/** Nesting depth of values. */
const DEPTH = 3;

/** JSON text of a value, the only content of a config file. */
function valueText(random: Random, depth: number): string {
  const kinds = [
    () => JSON.stringify(random.pick(WORDS)),
    () => JSON.stringify(random.pick(ODD_TEXTS)),
    () => JSON.stringify(random.pick(NUMBERS)),
    () => `${random.below(200)}`,
    () => random.pick(['true', 'false', 'null', '1e999', '-0']),
  ];
  if (depth > 0) {
    const some = () => Array.from({ length: random.below(4) }, () => valueText(random, depth - 1));
    kinds.push(
      () => `[${some().join()}]`,
      () => `{${some().map((text) => `${keyText(random, WORDS)}:${text}`)}}`,
    );
  }
  return random.pick(kinds)();
}

function keyText(random: Random, names: readonly string[]): string {
  return JSON.stringify(random.pick(random.below(20) === 0 ? ODD_NAMES : names));
}

function checkOne(random: Random): void {
  const schema = random.pick(SCHEMAS);
  const names = Object.keys(schema);
  const members = Array.from(
    { length: random.below(6) },
    () => `${keyText(random, names)}:${valueText(random, DEPTH)}`,
  );
  const text = random.below(50) === 0 ? valueText(random, DEPTH) : `{${members.join()}}`;
  try {
    const given: unknown = JSON.parse(text);
    const accepted = checkOptions(schema, given, 'the options');
    ensure(
      isDeepStrictEqual(accepted, given),
      () => `${text} is taken as ${JSON.stringify(accepted)}`,
    );
  } catch (error) {
    if (!(error instanceof OptionsError)) throw new Error(`options ${text}`, { cause: error });
    const { message } = error;
    ensureHarmlessLine(message, MOST_MESSAGE, `${text}: `);
  }
}

class ConfigFuzzer implements Fuzzer {
  run(seed: number): number {
    const random = new Random(seed);
    for (let i = 0; i < OPERATIONS; i++) checkOne(random);
    return OPERATIONS;
  }
}

export const configs: FuzzTarget = {
  name: 'configs',
  create: () => Promise.resolve(new ConfigFuzzer()),
};
