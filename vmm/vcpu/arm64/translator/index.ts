// SPDX-License-Identifier: MIT

export { Arm64Regions } from './hot-regions.ts';
