// SPDX-License-Identifier: MIT
// Runs once before all browser tests of any project: builds the demo as `npm run demo:build` does.

import type { TestProject } from 'vitest/node';
import { buildSite } from '../support/demo-site.ts';

/** Projects load this file each for themselves; what they share is the runner. */
interface Builder {
  demoSite?: Promise<void>;
}

/** A warning that no one has to read hides the one that someone has to. */
async function buildDemo(): Promise<void> {
  const warnings = await buildSite(['--config', 'demo/vite.config.ts']);
  if (warnings !== '') throw new Error(`demo:build prints ${warnings}`);
}

export function setup({ vitest }: TestProject): Promise<void> {
  const builder: Builder = vitest as unknown as Builder;
  builder.demoSite ??= buildDemo();
  return builder.demoSite;
}
