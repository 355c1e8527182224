// SPDX-License-Identifier: MIT

/** Thrown through a guest's frames to have it leave. */
export class Leave extends Error {
  override readonly name = 'Leave';
}
