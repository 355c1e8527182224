// SPDX-License-Identifier: MIT
// Commands of the ITS (IHI 0069 section 5.3). Each is complete when it returns, so SYNC
// has nothing to wait for. A command with an error is ignored, and the next one follows.

import { GIC_AT_ITS_ERROR, GIC_AT_ITS_ERRORS, GIC_AT_VCPUS, GIC_LPIS } from '../layout/gic-memory';
import {
  ITS_CLEAR,
  ITS_DISCARD,
  ITS_ERROR_CLEAR_UNMAPPED_INTERRUPT,
  ITS_ERROR_COMMAND,
  ITS_ERROR_DISCARD_UNMAPPED_INTERRUPT,
  ITS_ERROR_INT_UNMAPPED_INTERRUPT,
  ITS_ERROR_INV_UNMAPPED_INTERRUPT,
  ITS_ERROR_INVALL_UNMAPPED_COLLECTION,
  ITS_ERROR_MAPC_COLLECTION_OOR,
  ITS_ERROR_MAPC_PROCNUM_OOR,
  ITS_ERROR_MAPD_DEVICE_OOR,
  ITS_ERROR_MAPD_ITTSIZE_OOR,
  ITS_ERROR_MAPTI_ID_OOR,
  ITS_ERROR_MAPTI_PHYSICALID_OOR,
  ITS_ERROR_MAPTI_UNMAPPED_DEVICE,
  ITS_ERROR_MOVALL_PROCNUM_OOR,
  ITS_ERROR_MOVI_UNMAPPED_COLLECTION,
  ITS_ERROR_MOVI_UNMAPPED_INTERRUPT,
  ITS_ID_BITS,
  ITS_INT,
  ITS_INV,
  ITS_INVALL,
  ITS_MAPC,
  ITS_MAPD,
  ITS_MAPI,
  ITS_MAPTI,
  ITS_MOVALL,
  ITS_MOVI,
  ITS_SYNC,
} from '../layout/its-formats';
import { ramAt, VALID } from './gic-ram';
import {
  collectionAt,
  deviceAt,
  deviceEntry,
  eventAt,
  eventsAddress,
  eventsOf,
  intidOf,
  NO_VCPU,
  newCollection,
  newDevice,
  newEvent,
  vcpuOfCollection,
  vcpuOfEvent,
} from './its-tables';
import {
  clearLpi,
  isLpiNumber,
  moveLpi,
  moveLpis,
  raiseLpi,
  readConfiguration,
  readConfigurations,
} from './lpis';

/** Cost of a command, apart from the entries that it visits, which cost 1 each. */
const COST: i32 = 16;

/** Records the error of a command, which is ignored. */
function failed(gic: usize, error: u32): i32 {
  store<u32>(gic, error, GIC_AT_ITS_ERROR);
  store<u32>(gic, load<u32>(gic, GIC_AT_ITS_ERRORS) + 1, GIC_AT_ITS_ERRORS);
  return COST;
}

/** Address of the entry of the event that a command names, 0 when it is not mapped. */
function mappedAt(gic: usize, dw0: u64, dw1: u64): usize {
  const at = eventAt(gic, deviceEntry(gic, <u32>(dw0 >> 32)), <u32>dw1);
  return at != 0 && (atomic.load<u64>(at) & VALID) != 0 ? at : 0;
}

/** Clears the pending state of all events of a device. */
function forgetEvents(gic: usize, device: u64): void {
  const events: u64 = eventsOf(device);
  const table = eventsAddress(device);
  for (let event: u64 = 0; event < events; event++) {
    const at = ramAt(gic, table + (event << 3), 8);
    const entry: u64 = at != 0 ? atomic.load<u64>(at) : 0;
    if ((entry & VALID) != 0) forget(gic, entry);
  }
}

/** Clears the pending state of a mapped event's LPI. */
function forget(gic: usize, event: u64): void {
  const intid = intidOf(event);
  if (isLpiNumber(intid)) clearLpi(gic, intid);
}

function mapDevice(gic: usize, dw0: u64, dw1: u64, dw2: u64): i32 {
  const at = deviceAt(gic, <u32>(dw0 >> 32));
  if (at == 0) return failed(gic, ITS_ERROR_MAPD_DEVICE_OOR);
  const bits = <i32>dw1 & 0x1f;
  if ((dw2 & VALID) != 0 && bits >= ITS_ID_BITS) return failed(gic, ITS_ERROR_MAPD_ITTSIZE_OOR);
  const old = deviceEntry(gic, <u32>(dw0 >> 32));
  atomic.store<u64>(at, (dw2 & VALID) != 0 ? newDevice(dw2, bits) : 0);
  if (old == 0) return COST;
  forgetEvents(gic, old);
  return COST + <i32>eventsOf(old);
}

function mapCollection(gic: usize, dw2: u64): i32 {
  const at = collectionAt(gic, <u32>dw2);
  if (at == 0) return failed(gic, ITS_ERROR_MAPC_COLLECTION_OOR);
  const vcpu = <u32>(dw2 >> 16);
  if ((dw2 & VALID) == 0) atomic.store<u64>(at, 0);
  else if (vcpu < load<u32>(gic, GIC_AT_VCPUS)) atomic.store<u64>(at, newCollection(vcpu));
  else return failed(gic, ITS_ERROR_MAPC_PROCNUM_OOR);
  return COST;
}

/**
 * MAPTI, and MAPI with the EventID as the INTID. An event that is already mapped is
 * remapped.
 */
function mapEvent(gic: usize, dw0: u64, event: u32, intid: u32, collection: u32): i32 {
  const device = deviceEntry(gic, <u32>(dw0 >> 32));
  if (device == 0) return failed(gic, ITS_ERROR_MAPTI_UNMAPPED_DEVICE);
  const at = eventAt(gic, device, event);
  if (at == 0) return failed(gic, ITS_ERROR_MAPTI_ID_OOR);
  if (!isLpiNumber(intid)) return failed(gic, ITS_ERROR_MAPTI_PHYSICALID_OOR);
  const entry = newEvent(intid, collection);
  atomic.store<u64>(at, entry);
  const vcpu = vcpuOfEvent(gic, entry);
  if (vcpu != NO_VCPU) readConfiguration(gic, vcpu, intid);
  return COST;
}

function moveEvent(gic: usize, at: usize, collection: u32): i32 {
  if (at == 0) return failed(gic, ITS_ERROR_MOVI_UNMAPPED_INTERRUPT);
  const to = vcpuOfCollection(gic, collection);
  if (to == NO_VCPU) return failed(gic, ITS_ERROR_MOVI_UNMAPPED_COLLECTION);
  const event = atomic.load<u64>(at);
  const from = vcpuOfEvent(gic, event);
  atomic.store<u64>(at, newEvent(intidOf(event), collection));
  if (from != NO_VCPU) moveLpi(gic, from, to, intidOf(event));
  return COST;
}

function interrupt(gic: usize, at: usize): i32 {
  if (at == 0) return failed(gic, ITS_ERROR_INT_UNMAPPED_INTERRUPT);
  raiseEvent(gic, atomic.load<u64>(at));
  return COST;
}

/**
 * Delivers a message of an event: its LPI becomes pending, or the message is dropped when
 * no vCPU accepts it.
 */
function raiseEvent(gic: usize, event: u64): void {
  const vcpu = vcpuOfEvent(gic, event);
  if (vcpu != NO_VCPU) raiseLpi(gic, vcpu, intidOf(event));
}

/** Delivers a message of a device. */
export function raiseMessage(gic: usize, device: u32, event: u32): void {
  const at = eventAt(gic, deviceEntry(gic, device), event);
  if (at == 0) return;
  const entry = atomic.load<u64>(at);
  if ((entry & VALID) != 0) raiseEvent(gic, entry);
}

function clear(gic: usize, at: usize): i32 {
  if (at == 0) return failed(gic, ITS_ERROR_CLEAR_UNMAPPED_INTERRUPT);
  forget(gic, atomic.load<u64>(at));
  return COST;
}

function discard(gic: usize, at: usize): i32 {
  if (at == 0) return failed(gic, ITS_ERROR_DISCARD_UNMAPPED_INTERRUPT);
  const event = atomic.load<u64>(at);
  atomic.store<u64>(at, 0);
  forget(gic, event);
  return COST;
}

function invalidate(gic: usize, at: usize): i32 {
  if (at == 0) return failed(gic, ITS_ERROR_INV_UNMAPPED_INTERRUPT);
  const event = atomic.load<u64>(at);
  const vcpu = vcpuOfEvent(gic, event);
  if (vcpu != NO_VCPU) readConfiguration(gic, vcpu, intidOf(event));
  return COST;
}

function invalidateAll(gic: usize, collection: u32): i32 {
  const vcpu = vcpuOfCollection(gic, collection);
  if (vcpu == NO_VCPU) return failed(gic, ITS_ERROR_INVALL_UNMAPPED_COLLECTION);
  readConfigurations(gic, vcpu);
  return COST + GIC_LPIS;
}

function moveAll(gic: usize, dw2: u64, dw3: u64): i32 {
  const vcpus = load<u32>(gic, GIC_AT_VCPUS);
  const from = <u32>(dw2 >> 16);
  const to = <u32>(dw3 >> 16);
  if (from >= vcpus || to >= vcpus) return failed(gic, ITS_ERROR_MOVALL_PROCNUM_OOR);
  moveLpis(gic, from, to);
  return COST + GIC_LPIS;
}

/**
 * Executes a command.
 * @param at its address; 0 when it is not in RAM.
 * @returns its cost.
 */
export function execute(gic: usize, at: usize): i32 {
  if (at == 0) return failed(gic, ITS_ERROR_COMMAND);
  const dw0 = atomic.load<u64>(at);
  const dw1 = atomic.load<u64>(at, 8);
  const dw2 = atomic.load<u64>(at, 16);
  const event = <u32>dw1;
  switch (<u32>dw0 & 0xff) {
    case ITS_MAPD:
      return mapDevice(gic, dw0, dw1, dw2);
    case ITS_MAPC:
      return mapCollection(gic, dw2);
    case ITS_MAPTI:
      return mapEvent(gic, dw0, event, <u32>(dw1 >> 32), <u32>dw2);
    case ITS_MAPI:
      return mapEvent(gic, dw0, event, event, <u32>dw2);
    case ITS_MOVI:
      return moveEvent(gic, mappedAt(gic, dw0, dw1), <u32>dw2);
    case ITS_INT:
      return interrupt(gic, mappedAt(gic, dw0, dw1));
    case ITS_CLEAR:
      return clear(gic, mappedAt(gic, dw0, dw1));
    case ITS_DISCARD:
      return discard(gic, mappedAt(gic, dw0, dw1));
    case ITS_INV:
      return invalidate(gic, mappedAt(gic, dw0, dw1));
    case ITS_INVALL:
      return invalidateAll(gic, <u32>dw2);
    case ITS_MOVALL:
      return moveAll(gic, dw2, atomic.load<u64>(at, 24));
    case ITS_SYNC:
      return COST;
    default:
      return failed(gic, ITS_ERROR_COMMAND);
  }
}
