// SPDX-License-Identifier: MIT

export * from './ats-endpoint.ts';
export * from './host-models.ts';
export * from './lent-vintf.ts';
export * from './nested-smmu.ts';
export * from './queue-error-policy.ts';
export * from './vm-host.ts';
export * from './vm-host-options.ts';
export * from './vm-memory.ts';
