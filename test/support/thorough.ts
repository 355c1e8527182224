// SPDX-License-Identifier: MIT
// How much the tests do that could do more.

/**
 * VSMMU_THOROUGH=1: long random runs are long, and what is else a covering choice of combinations is all of them. Continuous
 * integration sets it for the files that import this (.ci/run).
 */
export const THOROUGH = process.env.VSMMU_THOROUGH === '1';

/** A number of random steps: the second in thorough runs. */
export const steps = (usual: number, thorough: number): number => (THOROUGH ? thorough : usual);
