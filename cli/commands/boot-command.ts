// SPDX-License-Identifier: MIT
// The subcommand `boot`.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { isUrl } from '../../assembly/file-place.ts';
import { CONFIG_FORMAT_VERSION, OptionsError } from '../../vmm/api/index.ts';
import { checkOptions } from '../../vmm/api/option-checks.ts';
import { fileReason, requireRegularFile } from '../../vmm/api/regular-file.ts';
import { boot } from '../boot.ts';
import { BOOT_SETTINGS, type BootSettings } from '../boot-settings.ts';
import { UsageError } from '../cli-error.ts';
import { addFlags } from '../flags.ts';
import { LINUX } from '../linux-kernel.ts';
import { withinTimeout } from '../supervisor.ts';

const CONFIG = 'the configuration';

/**
 * The contents of a --config file, without the version of its format.
 * @throws {UsageError} if that version is not supported.
 */
function unversioned(file: string, text: string): unknown {
  const config = JSON.parse(text) as unknown;
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return config;
  const { formatVersion = CONFIG_FORMAT_VERSION, ...options } = config as Record<string, unknown>;
  if (formatVersion === CONFIG_FORMAT_VERSION) return options;
  throw new UsageError(
    `${file} has version ${JSON.stringify(formatVersion)} of the configuration format, but this ` +
      `vsmmu reads version ${CONFIG_FORMAT_VERSION}`,
  );
}

/** Relative paths in a configuration are relative to its folder. */
function besideConfig(file: string, settings: BootSettings): BootSettings {
  const at = (path: string) => (isUrl(path) ? path : resolve(file, '..', path));
  const { guest, secondary, initrd, kernel, devices, disks, trace } = settings;
  return {
    ...settings,
    guest: guest === 'toy' || guest === LINUX ? guest : guest && at(guest),
    secondary: secondary && at(secondary),
    initrd: initrd && at(initrd),
    kernel: kernel && at(kernel),
    devices: devices?.map(at),
    disks: disks?.map(at),
    trace: trace && at(trace),
  };
}

/** Reads and checks the object in a --config file. */
async function readConfig(file: string): Promise<BootSettings> {
  try {
    await requireRegularFile(file);
    const config = unversioned(file, await readFile(file, 'utf8'));
    return besideConfig(file, checkOptions(BOOT_SETTINGS, config, CONFIG));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof OptionsError) throw new UsageError(`${file}: ${error.message}`);
    if (error instanceof SyntaxError)
      throw new UsageError(`${file} is not JSON: ${error.message.split('\n')[0]}`);
    throw new UsageError(`cannot read ${file}: ${fileReason(error)}`);
  }
}

/** Adds the subcommand for the command line `argv`; it calls `end` with its exit status. */
export function addBoot(
  program: Command,
  argv: readonly string[],
  end: (status: number) => void,
): void {
  const command = program
    .command('boot')
    .description('boot a guest and report the results')
    .argument('[guest]', '"toy", "linux", or the path of a WebAssembly guest or of a kernel')
    .option(
      '--config <file>',
      'read options from a JSON file, by their names in the API; flags override it',
    );
  const { guest: _, ...flagged } = BOOT_SETTINGS;
  const given = addFlags(command, flagged);
  command.action(async (guest: string | undefined, options: { readonly config?: string }) => {
    const config = options.config === undefined ? {} : await readConfig(options.config);
    const settings: BootSettings = {
      ...config,
      ...given(),
      ...(guest === undefined ? {} : { guest }),
    };
    end(
      await withinTimeout(
        {
          argv,
          seconds: settings.timeout,
          signals: settings.trace !== undefined,
          json: settings.json ?? false,
        },
        () => boot(settings, options.config),
      ),
    );
  });
}
