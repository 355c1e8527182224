// SPDX-License-Identifier: MIT
// The model behind a host of the API, for those parts of user space that lend from it beside
// machines (v86). A host's user does not see it.

import type { VmHost } from './vm-host.ts';

const models = new WeakMap<object, VmHost>();

/** Hosts without SMMUs. */
const others = new WeakSet<object>();

/** Says that a host has another IOMMU: it lends nothing but to machines. */
export function setOtherHost(host: object): void {
  others.add(host);
}

/** Says which model is behind a host. */
export function setHostModel(host: object, model: VmHost): void {
  models.set(host, model);
}

/** @throws {TypeError} when it is no host. */
export function hostModelOf(host: unknown): VmHost {
  const model = typeof host === 'object' && host !== null ? models.get(host) : undefined;
  if (typeof host === 'object' && host !== null && others.has(host))
    throw new TypeError('host must have SMMUs: this one has an AMD IOMMU (iommu: amd)');
  if (!model) throw new TypeError('host must be a Host, which Host.create makes');
  return model;
}
