// SPDX-License-Identifier: MIT
// The environment of checks that use the package as its users do: an empty folder in
// which packages are installed, and a real browser.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Installs packages in a folder, as a separate project.
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
 * @param {string} folder destination of the tarball.
 * @returns {string} its path.
 */
export function pack(folder) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }));
  return join(folder, packed.filename);
}

/**
 * Starts Chromium: CHROMIUM=/path/to/it, or Debian's location. Without its sandbox, which
 * it cannot use as root.
 */
export async function startChromium() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath))
    throw new Error(`no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM`);
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
