#!/usr/bin/env node
// The vsmmu command.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { HostError } from '../vmm/host/index.ts';
import { GuestImageError } from '../vmm/machine/index.ts';
import { type BootOptions, boot, MAX_VCPUS, MAX_VMS, PATHS, TRANSPORTS, UsageError } from './boot.ts';
import { addDecode } from './decode.ts';
import { DRAINS } from './drains.ts';

/** Exit statuses: every check holds, a check failed, the command could not be carried out as it was given. */
const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

function integer(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > most) throw new InvalidArgumentError(`It is an integer from 1 to ${most}.`);
    return value;
  };
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

function program(run: (guest: string, options: BootOptions) => Promise<void>): Command {
  const command = new Command('vsmmu')
    .description('Virtual Arm SMMUv3 with NVIDIA CMDQV, and the small VMM that hosts it')
    .version(version())
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined });
  command
    .command('boot')
    .description('boot a guest on the standard board and report what came of it')
    .argument('<guest>', '"toy", or the path of a WebAssembly guest')
    .addOption(new Option('--path <path>', 'way of the invalidations; all compares them').choices(PATHS).default('all'))
    .addOption(new Option('--transport <how>', 'where guests run, and how their exits reach the VMM').choices(TRANSPORTS).default('inline'))
    .addOption(new Option('--drain <where>', 'where the VCMDQs are drained').choices(DRAINS).default('doorbell'))
    .addOption(new Option('--vcpus <n>', `vCPUs of each machine, 1 to ${MAX_VCPUS}`).argParser(integer(MAX_VCPUS)).default(1))
    .addOption(
      new Option('--vms <n>', `machines on one host, 1 to ${MAX_VMS} (default: 2 for the toy, 1 for other guests)`).argParser(
        integer(MAX_VMS),
      ),
    )
    .addOption(new Option('--memory <mib>', 'memory of each machine in MiB; default is what the guest asks for').argParser(integer(4096)))
    .option('--json', 'print one JSON object on standard output; the console goes to standard error', false)
    .action(run);
  addDecode(command);
  return command;
}

/** The one line that explains why nothing was run; undefined for an error of ours. */
function explanation(error: unknown, guest: string): string | undefined {
  if (error instanceof CommanderError) return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  if (error instanceof UsageError || error instanceof HostError) return error.message;
  if (error instanceof GuestImageError) return `${basename(guest)}: ${error.message}`;
  return undefined;
}

async function main(argv: readonly string[]): Promise<number> {
  let status = EXIT_OK;
  let booted = '';
  const command = program(async (guest, options) => {
    booted = guest;
    status = (await boot(guest, options)) ? EXIT_OK : EXIT_FAILED;
  });
  try {
    if (argv.length === 0) {
      throw new UsageError('nothing to do; see vsmmu --help');
    }
    await command.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    // Help and version come this way as well.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_OK;
    const line = explanation(error, booted);
    if (line === undefined) throw error;
    process.stderr.write(`vsmmu: ${line}\n`);
    return EXIT_USAGE;
  }
}

// Whoever reads the output may have had enough of it (`vsmmu boot toy | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_FAILED);
});
process.exitCode = await main(process.argv.slice(2));
