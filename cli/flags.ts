// SPDX-License-Identifier: MIT
// Flags of the command line, made from the schema of the options that they stand for.

import { type Command, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import type { Flag } from '../vmm/api/option-values.ts';

type Entries = Readonly<Record<string, v.GenericSchema>>;

/** Just enough of a schema to see what it takes. */
interface Shape {
  readonly type: string;
  readonly wrapped?: Shape;
  readonly options?: readonly string[];
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value that a word of the command line stands for; `before` is what the same flag gave earlier. */
function meant(type: string, word: string, before: unknown): unknown {
  switch (type) {
    case 'number':
      return /^\d+$/.test(word) ? Number(word) : word;
    case 'array':
      return [...listed(before), word];
    // The environment: an object of texts.
    case 'custom': {
      const at = word.indexOf('=');
      if (at < 1) throw new InvalidArgumentError('it must be name=value.');
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
      if (!result.success) throw new InvalidArgumentError(`it ${result.issues[0].message}.`);
      return given;
    },
  );
}

/** What is typed for an option: `--no-direct-maps`. */
export function flagName(name: string, schema: v.GenericSchema): string {
  return flagOf(name, schema).long ?? name;
}

/**
 * Adds a flag for each option to a command.
 * @returns a function that collects, after parsing, the options that were given.
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
