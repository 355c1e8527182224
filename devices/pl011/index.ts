// SPDX-License-Identifier: MIT

export { Pl011, type Pl011Options } from './pl011.ts';
