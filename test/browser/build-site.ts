// SPDX-License-Identifier: MIT
// Runs once before all browser tests of any project: builds the demo like `npm run
// demo:build`.

import type { TestProject } from 'vitest/node';
import { buildSite } from '../support/demo-site.ts';

/** Each project loads this file separately; they share only the runner. */
interface Builder {
  demoSite?: Promise<void>;
}

/** A warning that can be ignored would hide one that cannot. */
async function buildDemo(): Promise<void> {
  const warnings = await buildSite(['--config', 'demo/vite.config.ts']);
  if (warnings !== '') throw new Error(`demo:build prints ${warnings}`);
}

export function setup({ vitest }: TestProject): Promise<void> {
  const builder: Builder = vitest as unknown as Builder;
  builder.demoSite ??= buildDemo();
  return builder.demoSite;
}
