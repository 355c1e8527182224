// SPDX-License-Identifier: MIT
// A boot of a kernel of `npm run linux:build` with a benchmark, and the problems in it.

import { runLinux } from '../../dist/cli/linux-run.js';
import { DEBUG, firstMissing, landmarks, TROUBLE, vcmdqsFor } from './boot-output.mjs';

/** @typedef {import('../../dist/cli/linux-run.js').LinuxRun} LinuxRun */
/** @typedef {import('../../dist/cli/linux-run.js').LinuxRunOptions} LinuxRunOptions */
/** @typedef {'strict' | 'lazy' | 'passthrough'} Policy */

/** @type {Record<Policy, string>} */
const APPEND = { strict: '', lazy: 'iommu.strict=0', passthrough: 'iommu.passthrough=1' };
const MILLISECONDS = 10;
/** Minimum number of CMD_SYNCs in that time of the guest. */
const SYNCS = 100;

/**
 * The problems of a run.
 * @param {LinuxRun} run
 * @param {Pick<LinuxRunOptions, 'path' | 'vcpus' | 'transport'>} options
 * @param {Policy} policy
 */
function problemsOf(run, { path, vcpus = 1, transport }, policy) {
  const { end, console: text, benchmarks } = run;
  const problems = [];
  if (end.status !== 'off') problems.push(`it ended ${end.status}: ${end.reason}`);
  const bad = text.split('\n').find((line) => TROUBLE.test(line));
  if (bad !== undefined) problems.push(bad);
  const expected = [
    ...landmarks(undefined, { policy, cmdqv: path !== 'overlay', vcpus }),
    /^taint 0$/m,
  ];
  const found = firstMissing(text, expected);
  if (found) problems.push(`${found.missing} is missing, or not in its place`);
  const queues = text.match(/entries for vcmdq\d+$/gm)?.length ?? 0;
  const wanted = path === 'overlay' ? 0 : vcmdqsFor(vcpus);
  if (queues !== wanted) problems.push(`${queues} VCMDQs, not ${wanted}`);
  const [benchmark] = benchmarks;
  if (!benchmark) return [...problems, 'it did not do its benchmark'];
  const { syncs, exits } = benchmark;
  // With a thread for each vCPU, what a kernel does in a time depends on the computer.
  const leastSyncs = policy === 'strict' ? (transport === 'mailbox' ? 1 : SYNCS) : 0;
  if (syncs < leastSyncs) problems.push(`${syncs} CMD_SYNCs`);
  if (path !== 'trapped' && exits > 0) problems.push(`${exits} exits`);
  if (path === 'trapped' && exits < syncs) problems.push(`only ${exits} exits`);
  return problems;
}

/**
 * Boots a kernel, runs the benchmark on each vCPU, and looks for problems.
 * @param {Pick<LinuxRunOptions, 'kernel' | 'initrd'>} kernel
 * @param {Omit<LinuxRunOptions, 'kernel' | 'initrd' | 'append'>} options
 * @param {Policy} policy
 */
export async function bootProblems(kernel, options, policy = 'strict') {
  const commands = `bench ${options.vcpus ?? 1} ${MILLISECONDS} 1; state`;
  try {
    const run = await runLinux({
      ...kernel,
      ...options,
      append: `console=ttyAMA0 ignore_loglevel ${DEBUG} ${APPEND[policy]} vsmmu.run="${commands}"`,
    });
    return { run, problems: problemsOf(run, options, policy) };
  } catch (error) {
    // One boot that cannot begin is not the end of the others.
    return { run: undefined, problems: [error instanceof Error ? error.message : `${error}`] };
  }
}
