// SPDX-License-Identifier: MIT
// The driver of SMMU and CMDQV for guests in AssemblyScript: what docs/guests.md
// documents. Functions return RESULT_* unless stated otherwise, and never wait without a
// limit.

export * from '../../assembly/layout/events';
export { loadField, storeField } from '../runtime/guest-fields';
export { beginBatch, nextCommand, submitBatch } from './batch';
export { bringUpSmmu } from './bring-up';
export { createDomain, Domain } from './domain';
export { eventCount, eventOverflows, eventRecord, KEPT_EVENTS } from './event-queue';
export { directQueues } from './get-cmdq';
export { serviceInterrupts } from './interrupt-handlers';
export { addPages, invalidateAsid, invalidatePages } from './invalidate-pages';
export * from './result';
export { selectedSmmu, selectSmmu } from './selected-smmu';
export { IOVA_PAGE_SIZE, mapPages, unmapPages } from './stage1-table';
export { detachStream } from './stream-table';
