// SPDX-License-Identifier: MIT
// Flags of the command line, generated from the schema of the corresponding options.

import { type Command, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import type { Flag } from '../vmm/api/option-values.ts';

type Entries = Readonly<Record<string, v.GenericSchema>>;

/** The parts of a schema that say which values it accepts. */
interface Shape {
  readonly type: string;
  readonly wrapped?: Shape;
  readonly options?: readonly string[];
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value of a word on the command line; `before` is the value of earlier uses of the flag. */
function meant(type: string, word: string, before: unknown): unknown {
  switch (type) {
    case 'number':
      return /^\d+$/.test(word) ? Number(word) : word;
    case 'array':
      return [...listed(before), word];
    // The environment: an object with string values.
    case 'custom': {
      const at = word.indexOf('=');
      if (at < 1) throw new InvalidArgumentError('it must be name=value');
      return { ...(before as object | undefined), [word.slice(0, at)]: word.slice(at + 1) };
    }
    default:
      return word;
  }
}

function flagOf(name: string, schema: v.GenericSchema): Option {
  const { flag = kebab(name), value, negative } = v.getMetadata(schema) as Flag;
  const { type, options } = (schema as unknown as Shape).wrapped ?? { type: '' };
  const description = v.getDescription(schema) ?? '';
  if (type === 'boolean') return new Option(negative ? `--no-${flag}` : `--${flag}`, description);
  const placeholder =
    value ?? (type === 'number' ? 'n' : type === 'picklist' ? (options ?? []).join('|') : 'text');
  return new Option(`--${flag} <${placeholder}>`, description).argParser(
    (word: string, before: unknown) => {
      const given = meant(type, word, before);
      const result = v.safeParse(schema, given, { abortEarly: true });
      if (!result.success) throw new InvalidArgumentError(`it ${result.issues[0].message}`);
      return given;
    },
  );
}

/** The flag of an option, as typed: `--no-direct-maps`. */
export function flagName(name: string, schema: v.GenericSchema): string {
  return flagOf(name, schema).long ?? name;
}

/**
 * Adds a flag for each option to a command.
 * @returns a function that returns, after parsing, the options that were given.
 */
export function addFlags(command: Command, entries: Entries): () => Record<string, unknown> {
  const flags = Object.entries(entries).map(([name, schema]) => ({
    name,
    flag: flagOf(name, schema),
  }));
  for (const { flag } of flags) command.addOption(flag);
  return () =>
    Object.fromEntries(
      flags
        .filter(({ flag }) => command.getOptionValueSource(flag.attributeName()) === 'cli')
        .map(({ name, flag }) => [name, command.getOptionValue(flag.attributeName())]),
    );
}
