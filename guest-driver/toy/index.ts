// SPDX-License-Identifier: MIT
// Entry of the toy guest (asconfig.json target "toy").

export { vsmmu_abi, vsmmu_run } from './toy';
