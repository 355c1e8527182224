// SPDX-License-Identifier: MIT
// The browser that tests of the demo run in: the system's Chromium, through playwright-core, which brings none of its own.

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Path of a Chromium, from CHROMIUM or from where systems put it; undefined when there is none. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));
}

/** A name of this computer that no browser takes for a secure origin, as it takes localhost. */
export const INSECURE_HOST = 'demo.test';

/** Starts it. As root it needs to run without its sandbox. */
export async function startChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new Error('no Chromium here: apt-get install chromium, or set CHROMIUM to its path');
  return await chromium.launch({
    executablePath,
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  });
}
