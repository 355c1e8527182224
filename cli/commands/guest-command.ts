// The subcommand `guest init`: a small guest project that builds and boots.

import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { UsageError } from '../cli-error.ts';

/** The package's root, from dist/cli/commands. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
const TEMPLATE = 'templates/guest';
/** The guest's side of this project, which the new one takes a copy of. */
const RUNTIME = ['assembly/layout', 'guest-driver/runtime'];

/** @throws {UsageError} when there is something in the folder already, or it cannot be written. */
async function init(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty`);
    await cp(join(PACKAGE, TEMPLATE), folder, { recursive: true });
    for (const part of RUNTIME)
      await cp(join(PACKAGE, part), join(folder, 'vsmmu', part), { recursive: true });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `cannot write to ${folder}: ` +
        `${code === 'EEXIST' || code === 'ENOTDIR' ? 'it is not a folder' : code}`,
    );
  }
}

/** Adds the subcommand. */
export function addGuest(program: Command): void {
  program
    .command('guest')
    .description('projects of your own guests')
    .command('init')
    .description('write a small guest project that builds and boots')
    .argument('<folder>', 'a new or empty folder')
    .action(async (folder: string) => {
      await init(folder);
      process.stdout.write(
        `Now: cd ${folder} && npm install && npm run build && npx vsmmu boot build/guest.wasm\n`,
      );
    });
}
