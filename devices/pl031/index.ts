// SPDX-License-Identifier: MIT

export { Pl031, type Pl031Options } from './pl031.ts';
