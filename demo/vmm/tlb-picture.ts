// SPDX-License-Identifier: MIT
// The IOTLB: its live entries, and how many of them each VM and ASID has. Read from host memory.

import type { Host, Machine } from 'vsmmu';
import { TLB_SETS } from '../../assembly/layout/iotlb-memory.ts';
import type { PagePicture, TlbPicture } from '../protocol.ts';
import type { TlbHits } from './tlb-hits.ts';

/** Groups of IOTLB sets in the heat map. */
export const TLB_GROUPS = 64;

const NO_ASID = '\u2013';

/**
 * A VM without an entry has a row too.
 * @param hits undefined when they are not counted.
 */
export function tlbPicture(
  host: Host,
  machines: readonly Machine[],
  hits: TlbHits | undefined,
): { tlb: TlbPicture[]; pages: PagePicture[] } {
  const rows = new Map<string, { vm: string; asid: string; count: number; cells: number[] }>();
  const row = (vm: string, asid: string) => {
    const key = `${vm} ${asid}`;
    const cells = Array.from({ length: TLB_GROUPS }, () => 0);
    const found = rows.get(key) ?? { vm, asid, count: 0, cells };
    rows.set(key, found);
    return found;
  };
  const names = new Map(machines.map((machine) => [machine.inspect()[0]?.vmid, machine.name]));
  for (const name of names.values()) row(name, '1');
  const pages: PagePicture[] = [];
  for (const { address, set, vmid, asid: tag, iova, pa, size, writable } of host.iotlb()) {
    const vm = names.get(vmid) ?? `VMID ${vmid}`;
    const asid = tag === undefined ? NO_ASID : String(tag);
    const into = row(vm, asid);
    const group = Math.floor((set * TLB_GROUPS) / TLB_SETS);
    into.count++;
    into.cells[group] = (into.cells[group] ?? 0) + 1;
    pages.push({ vm, vmid, asid, iova, pa, size, writable, hits: hits?.at(address) });
  }
  const order = [...names.values()];
  const compare = (a: { vm: string; asid: string }, b: { vm: string; asid: string }) =>
    order.indexOf(a.vm) - order.indexOf(b.vm) || a.asid.localeCompare(b.asid);
  return {
    tlb: [...rows.values()].sort(compare),
    // Of two hexadecimal numbers, the longer one is larger.
    pages: pages.sort(
      (a, b) => compare(a, b) || a.iova.length - b.iova.length || (a.iova < b.iova ? -1 : 1),
    ),
  };
}
