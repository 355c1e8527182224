// SPDX-License-Identifier: MIT
// The model behind a host of the API, for those parts of user space that lend from it beside
// machines (v86). A host's user does not see it.

import type { VmHost } from './vm-host.ts';

const models = new WeakMap<object, VmHost>();

/** Says which model is behind a host. */
export function setHostModel(host: object, model: VmHost): void {
  models.set(host, model);
}

/** @throws {TypeError} when it is no host. */
export function hostModelOf(host: unknown): VmHost {
  const model = typeof host === 'object' && host !== null ? models.get(host) : undefined;
  if (!model) throw new TypeError('host must be a Host, which Host.create makes');
  return model;
}
