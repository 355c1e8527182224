// SPDX-License-Identifier: MIT
// The vsmmu command as a function from a command line to an exit status.

import { Command, CommanderError } from 'commander';
import { printable } from '../devices/plugin/index.ts';
import { BoardError, HostError, OptionsError, VERSION, VsmmuError } from '../vmm/api/index.ts';
import { UsageError } from './cli-error.ts';
import { addBench } from './commands/bench-command.ts';
import { addBoot } from './commands/boot-command.ts';
import { addDecode } from './commands/decode-command.ts';
import { addGuest } from './commands/guest-command.ts';
import { addInspect } from './commands/inspect-command.ts';
import { addTrace } from './commands/trace-command.ts';
import { EXIT_OK, EXIT_USAGE } from './status.ts';
import { asTyped } from './typed-names.ts';

// For main.ts, which loads nothing before this module.
export { fileReason } from '../vmm/api/regular-file.ts';

/** Adds the subcommands, each of which has its own file, in the order of --help. */
function program(argv: readonly string[], end: (status: number) => void): Command {
  const command = new Command('vsmmu')
    .description('Virtual Arm SMMUv3 with NVIDIA CMDQV, and the small VMM that hosts it')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  addBoot(command, argv, end);
  addBench(command);
  addDecode(command);
  addInspect(command, argv, end);
  addTrace(command);
  addGuest(command);
  return command;
}

/** Maximum number of characters in an explanation, which may list every option. */
const MOST = 2000;

/** Codes of system errors; the last is that of a package.json that a worker cannot read. */
const SYSTEM_CODE = /^(E[A-Z0-9]+|ERR_WORKER_[A-Z_]+|ERR_INVALID_PACKAGE_CONFIG)$/;

/** A message of commander, whose own are two sentences, in the style of all others here. */
function oneSentence(message: string): string {
  return message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/ is invalid\. Allowed choices are (.*)\.$/, ' is invalid: it must be one of $1')
    .replace(/\. Expected (\d+ arguments?) but got (\d+)\.$/, ': it takes $1, not $2')
    .replace(' is invalid. it ', ' is invalid: it ');
}

/** The one line that explains why nothing was run; undefined for a bug of this program. */
function explanation(error: unknown): string | undefined {
  // A group of commands was named without a command; commander would print its help.
  if (error instanceof CommanderError && error.code === 'commander.help')
    return 'a command is missing; see --help';
  if (error instanceof CommanderError) return oneSentence(error.message);
  if (error instanceof UsageError) return error.message;
  // The API names options; on the command line they are flags.
  if (error instanceof OptionsError || error instanceof HostError || error instanceof BoardError)
    return asTyped(error.message);
  if (error instanceof VsmmuError) return error.message;
  // A system error: too many open files, no space left, or no thread for a run.
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return SYSTEM_CODE.test(String(code)) ? String(message) : undefined;
}

/**
 * Executes a command line, and prints to the streams of the process.
 * @param argv the words after the program's name.
 * @returns the exit status.
 * @throws only for bugs of this program, not for mistakes of its user.
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let status = EXIT_OK;
  const command = program(argv, (value) => {
    status = value;
  });
  try {
    if (argv.length === 0) throw new UsageError('nothing to do; see vsmmu --help');
    await command.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    // commander also throws for --help and --version.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_OK;
    const line = explanation(error);
    if (line === undefined) throw error;
    process.stderr.write(`vsmmu: ${printable(line, MOST)}\n`);
    return EXIT_USAGE;
  }
}
