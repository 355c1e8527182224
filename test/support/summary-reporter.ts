// SPDX-License-Identifier: MIT
// Ends a run with one plain line, `N passed, N failed, N skipped`, for readers of the CI
// output. Before it: tests that failed and then passed (vitest.config.ts defines which
// may retry), by name and with their first failure, because such a test hides a bug as
// easily as a slow machine.

import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** The first line of a test's failure. */
function firstFailure(test: TestCase): string {
  const [error] = test.result().errors ?? [];
  return error?.message.split('\n', 1)[0] ?? 'no message';
}

export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        counts[test.result().state]++;
        const diagnostic = test.diagnostic();
        if (diagnostic?.flaky)
          console.log(
            `Passed at try ${diagnostic.retryCount + 1}: ${test.module.relativeModuleId} > ` +
              `${test.fullName}\n  It had failed: ${firstFailure(test)}`,
          );
      }
      // Failures outside tests: a file that could not be collected, or a hook of a suite,
      // whose tests are skipped.
      for (const suite of [module, ...module.children.allSuites()])
        if (suite.errors().length > 0) counts.failed++;
    }
    console.log(
      `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped + counts.pending} skipped`,
    );
  }
}
