// SPDX-License-Identifier: MIT
// Every target, in the order in which they run.

import type { FuzzTarget } from './target.ts';
import { abi } from './targets/abi.ts';
import { code } from './targets/code.ts';
import { configs } from './targets/configs.ts';
import { debuggers } from './targets/debugger.ts';
import { images } from './targets/images.ts';
import { registers } from './targets/registers.ts';
import { rings } from './targets/rings.ts';
import { tables } from './targets/tables.ts';
import { traces } from './targets/traces.ts';
import { virtio } from './targets/virtio.ts';
import { wasi } from './targets/wasi.ts';

export const TARGETS: readonly FuzzTarget[] = [
  registers,
  rings,
  tables,
  virtio,
  abi,
  wasi,
  code,
  images,
  configs,
  traces,
  debuggers,
];
