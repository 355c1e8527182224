// SPDX-License-Identifier: MIT
// The models of hosts of the API, for parts of user space other than machines that borrow
// from them (v86). They are hidden from a host's user.

import type { VmHost } from './vm-host.ts';

const models = new WeakMap<object, VmHost>();

/** Hosts without SMMUs. */
const others = new WeakSet<object>();

/** Registers a host with another IOMMU, which lends only to machines. */
export function setOtherHost(host: object): void {
  others.add(host);
}

/** Registers the model of a host. */
export function setHostModel(host: object, model: VmHost): void {
  models.set(host, model);
}

/** @throws {TypeError} when it is not a host. */
export function hostModelOf(host: unknown): VmHost {
  const model = typeof host === 'object' && host !== null ? models.get(host) : undefined;
  if (typeof host === 'object' && host !== null && others.has(host))
    throw new TypeError('host must have SMMUs: this one has an AMD IOMMU (iommu: amd)');
  if (!model) throw new TypeError('host must be a Host, which Host.create makes');
  return model;
}
