// SPDX-License-Identifier: MIT
// Registers by names: one that a device does not have is told by name, read or assigned.

import { unknownName } from './known-names.ts';

/** Names that a value is asked for by whoever looks at any value: promises, JSON. */
const ASKED_OF_ALL: readonly string[] = ['then', 'toJSON'];

/**
 * Has a name that is none of an object's own refused: JavaScript reads undefined there, and a
 * script that is not strict assigns to nothing.
 * @param values the registers, all of which are there.
 * @param device its name, for the message.
 */
export function refuseUnknownRegisters(values: object, device: string): void {
  const refuse = (name: string) => {
    throw new TypeError(`${device}: ${unknownName('register', name, Object.keys(values))}`);
  };
  // A prototype is asked for what the object itself does not have, so that registers cost nothing more.
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
