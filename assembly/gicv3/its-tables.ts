// SPDX-License-Identifier: MIT
// The tables of the ITS (IHI 0069 section 5.2): devices and collections at GITS_BASER0
// and GITS_BASER1, flat or with two levels, and the events of each device at the address
// in MAPD. All of them are in RAM, which software may write, so no part of an entry is
// trusted.

import { GIC_AT_ITS_BASER0, GIC_AT_ITS_BASER1, GIC_AT_VCPUS } from '../layout/gic-memory';
import {
  ITS_DEVICE_EVENT_BITS,
  ITS_EVENT_COLLECTION_SHIFT,
  ITS_ID_BITS,
} from '../layout/its-formats';
import {
  GITS_BASER_INDIRECT_HI,
  GITS_BASER_PAGE_64K,
  GITS_BASER_PAGE_SHIFT,
  GITS_BASER_PAGE_SIZE,
  GITS_PAGES,
} from '../layout/its-registers';
import { PAGE_ADDRESS, ramAt, VALID } from './gic-ram';
import { isLpi, takesLpis } from './lpis';

/** In place of a vCPU when there is none. */
export const NO_VCPU: i32 = -1;
const EVENTS_ADDRESS: u64 = 0x000fffffffffff00;

/**
 * Address of a table's pages. With pages of 64 KiB, bits [51:48] are stored below the
 * others.
 */
function tableAddress(baser: u64): u64 {
  if ((<i32>baser & GITS_BASER_PAGE_SIZE) < GITS_BASER_PAGE_64K) return baser & 0x0000fffffffff000;
  return (baser & 0x0000ffffffff0000) | ((baser & 0xf000) << 36);
}

/** Address of an entry of a device or collection table; 0 when there is none. */
function entryAt(gic: usize, baser: u64, index: u32): usize {
  if ((baser & VALID) == 0) return 0;
  const pageSize = (<u32>baser & GITS_BASER_PAGE_SIZE) >> GITS_BASER_PAGE_SHIFT;
  const page: u64 = (<u64>0x1000) << (pageSize << 1);
  const size = (<u64>(<u32>baser & GITS_PAGES) + 1) * page;
  const base = tableAddress(baser);
  if ((<u32>(baser >> 32) & GITS_BASER_INDIRECT_HI) == 0) {
    const at = (<u64>index) << 3;
    return at < size ? ramAt(gic, base + at, 8) : 0;
  }
  const entries = page >> 3;
  const at = (<u64>index / entries) << 3;
  const level1 = at < size ? ramAt(gic, base + at, 8) : 0;
  const entry: u64 = level1 != 0 ? atomic.load<u64>(level1) : 0;
  if ((entry & VALID) == 0) return 0;
  return ramAt(gic, (entry & PAGE_ADDRESS & ~(page - 1)) + ((<u64>index % entries) << 3), 8);
}

/** Address of the entry of a device; 0 when the DeviceID is out of range. */
export function deviceAt(gic: usize, device: u32): usize {
  return device >> ITS_ID_BITS != 0 ? 0 : entryAt(gic, load<u64>(gic, GIC_AT_ITS_BASER0), device);
}

/** Address of the entry of a collection; 0 when it is out of range. */
export function collectionAt(gic: usize, collection: u32): usize {
  return entryAt(gic, load<u64>(gic, GIC_AT_ITS_BASER1), collection & 0xffff);
}

/** Entry of a device, 0 when the device is not mapped. */
export function deviceEntry(gic: usize, device: u32): u64 {
  const at = deviceAt(gic, device);
  const entry: u64 = at != 0 ? atomic.load<u64>(at) : 0;
  return (entry & VALID) != 0 ? entry : 0;
}

/** Number of events that a device has entries for. */
export function eventsOf(device: u64): u32 {
  const bits = <i32>device & ITS_DEVICE_EVENT_BITS;
  return (<u32>1) << (bits < ITS_ID_BITS ? bits + 1 : ITS_ID_BITS);
}

/** gpa of the entries of a device's events. */
export function eventsAddress(device: u64): u64 {
  return device & EVENTS_ADDRESS;
}

/** Address of the entry of a device's event; 0 when it is out of range. */
export function eventAt(gic: usize, device: u64, event: u32): usize {
  if (device == 0 || event >= eventsOf(device)) return 0;
  return ramAt(gic, eventsAddress(device) + ((<u64>event) << 3), 8);
}

export function newDevice(events: u64, bits: u32): u64 {
  return VALID | (events & EVENTS_ADDRESS) | bits;
}

export function newEvent(intid: u32, collection: u32): u64 {
  return VALID | ((<u64>(collection & 0xffff)) << ITS_EVENT_COLLECTION_SHIFT) | intid;
}

export function newCollection(vcpu: u32): u64 {
  return VALID | vcpu;
}

export function intidOf(event: u64): u32 {
  return <u32>event;
}

function collectionOf(event: u64): u32 {
  return <u32>(event >> ITS_EVENT_COLLECTION_SHIFT) & 0xffff;
}

/** The vCPU of a collection, NO_VCPU when the collection is not mapped. */
export function vcpuOfCollection(gic: usize, collection: u32): i32 {
  const at = collectionAt(gic, collection);
  const entry: u64 = at != 0 ? atomic.load<u64>(at) : 0;
  if ((entry & VALID) == 0) return NO_VCPU;
  return <u32>entry < load<u32>(gic, GIC_AT_VCPUS) ? <i32>entry : NO_VCPU;
}

/** The vCPU that accepts the LPI of an event; NO_VCPU when its messages are dropped. */
export function vcpuOfEvent(gic: usize, event: u64): i32 {
  const vcpu = vcpuOfCollection(gic, collectionOf(event));
  if (vcpu == NO_VCPU || !takesLpis(gic, vcpu)) return NO_VCPU;
  return isLpi(gic, vcpu, intidOf(event)) ? vcpu : NO_VCPU;
}
