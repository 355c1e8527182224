// SPDX-License-Identifier: MIT
// Register names: reading or assigning a register that a device does not have is an error
// that names it.

import { unknownName } from './known-names.ts';

/** Names that are looked up on any value: by promises and by JSON. */
const ASKED_OF_ALL: readonly string[] = ['then', 'toJSON'];

/**
 * Makes reads and assignments of unknown names errors: in JavaScript such a read gives
 * undefined, and such an assignment in sloppy mode adds a property.
 * @param values the registers, all of which are present.
 * @param device its name, for the message.
 */
export function refuseUnknownRegisters(values: object, device: string): void {
  const refuse = (name: string) => {
    throw new TypeError(`${device}: ${unknownName('register', name, Object.keys(values))}`);
  };
  // Only names that the object itself does not have reach its prototype, so registers
  // have no extra cost.
  const prototype = new Proxy(Object.prototype, {
    get(target, name, receiver) {
      if (typeof name === 'string' && !(name in target) && !ASKED_OF_ALL.includes(name))
        refuse(name);
      return Reflect.get(target, name, receiver);
    },
    set: (_target, name) => refuse(String(name)),
  });
  Object.setPrototypeOf(values, prototype);
  Object.preventExtensions(values);
}
