// SPDX-License-Identifier: MIT
// The amount of work of tests that could do more.

/**
 * VSMMU_THOROUGH=1: long random runs are long, and pairwise choices of combinations
 * include all of them. Continuous integration sets it for the files that import this
 * (.ci/run).
 */
export const THOROUGH = process.env.VSMMU_THOROUGH === '1';

/** A number of random steps: the second one in thorough runs. */
export const steps = (usual: number, thorough: number): number => (THOROUGH ? thorough : usual);
