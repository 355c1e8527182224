#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The kernel's own tests (KUnit) of the SMMU's driver and of translation tables, inside
// the machine. Needs `npm run build`.

import { runLinux } from '../../dist/cli/linux-run.js';
import { CheckList, NOTE } from './check-list.mjs';
import { builtKernel, KUNIT_KERNEL } from './kernels.mjs';

/** Suites whose tests must all run and pass. */
const REQUIRED = ['arm-smmu-v3-kunit-test', 'io-pgtable-arm-test'];
/** The assertion of generic_pt that fails on QEMU as well (docs/linux.md). */
const LEAK_CHECK = 'global_node_page_state(NR_SECONDARY_PAGETABLE)';

const run = await runLinux({
  ...builtKernel(KUNIT_KERNEL),
  append: `console=ttyAMA0 ignore_loglevel kunit.enable=1 kunit.autorun=1 vsmmu.run="kunit ${REQUIRED.join(' ')}"`,
});
const { console: text, end } = run;
const list = new CheckList();
list.add('boot', end.status === 'off' ? [] : [`it ended ${end.status}: ${end.reason}`]);

/** Assertions that failed: the next line of each has its expression. */
const failures = text.match(/(ASSERTION|EXPECTATION) FAILED at/g)?.length ?? 0;
const leaks = text
  .split('\n')
  .filter((line) => line.includes('Expected') && line.includes(LEAK_CHECK)).length;
/** Lines of KTAP at the top level: a suite's result. */
const results = [...text.matchAll(/^(?:\[[^\]]*\] )?(not )?ok \d+ ([\w-]+)/gm)];
/** Numbers of a suite's tests, printed before its result. */
const totals = [...text.matchAll(/# ([\w-]+): pass:(\d+) fail:(\d+) skip:(\d+) total:(\d+)/g)];
const notes = [];
for (const [, failed, suite = ''] of results) {
  const [, , pass = '0', , , total = '0'] = totals.find(([, name]) => name === suite) ?? [];
  const isKnown = !REQUIRED.includes(suite) && failures === leaks;
  // A suite of one test prints no numbers.
  const passed = total === '0' ? '1 of 1' : `${pass} of ${total}`;
  list.add(suite, failed && !isKnown ? ['tests failed'] : [], `${passed} passed`);
  notes.push(`${suite} ${passed}`);
}
for (const suite of REQUIRED)
  if (!results.some(([, , name]) => name === suite)) list.add(suite, ['it did not run']);
const hasStatus = text.includes('vsmmu.run ended with status 0');
list.add('status of kunit', hasStatus ? [] : ['it is not 0']);
console.log(`${NOTE}${notes.join(', ')}`);
list.end();
