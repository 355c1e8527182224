// SPDX-License-Identifier: MIT
// Where the checks try things out as users have them: an empty folder that packages are installed in, and a real browser.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Installs packages in a folder, as a project of its own.
 * @param {string} folder
 * @param {readonly string[]} packages names, files, and options of `npm install`.
 */
export function install(folder, packages) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  execFileSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline', ...packages],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}

/**
 * Packs the built package.
 * @param {string} folder where the tarball goes.
 * @returns {string} its path.
 */
export function pack(folder) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }));
  return join(folder, packed.filename);
}

/** Starts Chromium: CHROMIUM=/path/to/it, or where Debian puts it. As root it needs to run without its sandbox. */
export async function startChromium() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath))
    throw new Error(`no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM`);
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
