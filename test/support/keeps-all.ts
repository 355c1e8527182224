// SPDX-License-Identifier: MIT
// A guest whose garbage-collected objects fill any heap.

import { reactor } from './wat.ts';

/**
 * Allocates objects forever, and keeps them all; it ignores the argument of its slice.
 */
export const KEEPS_ALL = reactor(
  `(type $object (struct (field (ref null $object)) (field i64 i64 i64 i64)))
   (global $all (mut (ref null $object)) (ref.null $object))
   (func $run (param i32) (result i32)
     (loop $for_ever
       (global.set $all (struct.new $object (global.get $all)
         (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
       (br $for_ever))
     (i32.const 1))`,
);
