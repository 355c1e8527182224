// SPDX-License-Identifier: MIT
// The subcommand `guest init`: writes a small guest project that builds and boots.

import { cp, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { UsageError, writeReason } from '../cli-error.ts';

/** The package's root folder, relative to dist/cli/commands. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

/** Files that a project in each language needs besides its template, and how it is built. */
const LANGUAGES = {
  as: { files: [], build: 'npm install && npm run build' },
  c: { files: ['guest-driver/vsmmu.h'], build: 'make' },
  wat: { files: [], build: 'npm install && npm run build' },
} as const;

type Language = keyof typeof LANGUAGES;

/** Creates a folder and its parents: `recursive` of mkdir never ends in /proc (Node.js 20). */
async function makeFolder(folder: string): Promise<void> {
  try {
    if ((await stat(folder)).isDirectory()) return;
  } catch {
    await makeFolder(dirname(folder));
  }
  await mkdir(folder);
}

/** @throws {UsageError} if the folder is not empty, or cannot be written. */
async function init(folder: string, language: Language): Promise<void> {
  if (folder === '') throw new UsageError('the name of the folder must not be empty');
  try {
    await makeFolder(resolve(folder));
    if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty`);
    await cp(join(PACKAGE, 'templates', language), folder, { recursive: true });
    for (const file of LANGUAGES[language].files)
      await cp(join(PACKAGE, file), join(folder, file.slice(file.lastIndexOf('/') + 1)));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `cannot write to ${folder}: ` +
        `${code === 'EEXIST' || code === 'ENOTDIR' ? 'it is not a folder' : writeReason(error)}`,
    );
  }
}

/** Adds the subcommand. */
export function addGuest(program: Command): void {
  program
    .command('guest')
    .description('create projects for your own guests')
    .command('init')
    .description('write a small guest project that builds and boots')
    .argument('<folder>', 'a new or empty folder')
    .addOption(
      new Option('--lang <language>', 'AssemblyScript, C or WebAssembly text')
        .choices(Object.keys(LANGUAGES))
        .default('as'),
    )
    .action(async (folder: string, { lang }: { readonly lang: Language }) => {
      await init(folder, lang);
      process.stdout.write(
        `Now: cd ${folder} && ${LANGUAGES[lang].build} && npx vsmmu boot guest.wasm\n`,
      );
    });
}
