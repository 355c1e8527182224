// SPDX-License-Identifier: MIT
// The browser for tests of the demo: the system's Chromium, through playwright-core,
// which does not include one.

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * Path of a Chromium, from CHROMIUM or from the usual places; undefined when there is
 * none.
 */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));
}

/**
 * A name of this computer that browsers do not consider a secure origin, unlike
 * localhost.
 */
export const INSECURE_HOST = 'demo.test';

/** Starts it. As root it has to run without its sandbox. */
export async function startChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new Error('no Chromium here: apt-get install chromium, or set CHROMIUM to its path');
  return await chromium.launch({
    executablePath,
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  });
}
