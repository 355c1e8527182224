// SPDX-License-Identifier: MIT
// What `vsmmu inspect` prints: a host as a tree.

import type {
  AmdViommuInspection,
  HostInspection,
  ObjectDescription,
  OwnedSmmuInspection,
  QueueInspection,
  SidPairInspection,
  SmmuCounters,
  VintfInspection,
  ViommuInspection,
  VmInspection,
} from '../vmm/api/index.ts';
import { queueText } from '../vmm/inspect/index.ts';

interface Node {
  readonly line: string;
  readonly children: readonly Node[];
}

const leaf = (line: string): Node => ({ line, children: [] });
const hex = (value: number) => `0x${value.toString(16)}`;
const details = (values: object) =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

const references = (count: number) => `${count} reference${count === 1 ? '' : 's'}`;

function queueNode(queue: QueueInspection): Node {
  const { commands, syncs, errors, rewrites } = queue;
  return leaf(`${queueText(queue)}; ${details({ commands, syncs, errors, rewrites })}`);
}

const pairNode = ({ pair, virtual, physical }: SidPairInspection) =>
  leaf(`SID pair ${pair}: ${hex(virtual)} is ${hex(physical)}`);

/** Each object below the first object that it keeps; further references are named. */
function objectNodes(objects: readonly ObjectDescription[]): Node[] {
  const byParent = new Map<number | undefined, ObjectDescription[]>();
  for (const object of objects) {
    const [first] = object.keeps;
    const siblings = byParent.get(first);
    if (siblings) siblings.push(object);
    else byParent.set(first, [object]);
  }
  const below = (parent: number | undefined): Node[] =>
    (byParent.get(parent) ?? []).map(
      ({ id, type, users, keeps: [, ...others], details: own }): Node => {
        const also =
          others.length > 0 ? `; keeps ${others.map((other) => `#${other}`).join(', ')} too` : '';
        const said = details(own);
        return {
          line: `#${id} ${type}, ${references(users - 1)}${said && `: ${said}`}${also}`,
          children: below(id),
        };
      },
    );
  return below(undefined);
}

const vintfNode = ({ index, enabled, vmid, doorbellCalls, sidPairs, queues }: VintfInspection) => ({
  line:
    `VINTF ${index}: ${enabled ? 'enabled' : 'disabled'}, VMID ${vmid}, ` +
    `${doorbellCalls} doorbell calls`,
  children: [...sidPairs.map(pairNode), ...queues.map(queueNode)],
});

function viommuNode({
  smmu,
  index,
  vmid,
  overlay,
  btm,
  streams,
  sidPairs,
  queues,
  vintf,
  counts,
  objects,
}: ViommuInspection): Node {
  const ways = `${overlay ? ', overlay' : ''}${btm ? ', BTM' : ''}`;
  const lent = vintf && vintfNode(vintf);
  return {
    line: `vIOMMU ${index} on SMMU ${smmu}: VMID ${vmid}${ways}; ${details(counts)}`,
    children: [
      ...streams.map(({ virtual, physical }) =>
        leaf(`StreamID ${hex(virtual)} is ${hex(physical)} on the SMMU`),
      ),
      ...sidPairs.map(pairNode),
      ...queues.map(queueNode),
      ...(lent ? [lent] : []),
      { line: 'iommufd', children: objectNodes(objects) },
    ],
  };
}

/** The machines with devices behind an SMMU, their own number for it, and their StreamIDs. */
function behindNodes(smmu: number, vms: readonly VmInspection[]): Node[] {
  return vms.flatMap(({ name, viommus }) =>
    viommus.flatMap((viommu, own) => {
      if (viommu.smmu !== smmu) return [];
      const vintf = viommu.vintf ? `, VINTF ${viommu.vintf.index}` : '';
      const streams = viommu.streams.map(
        ({ virtual, physical }) => `StreamID ${hex(physical)} (the guest's ${hex(virtual)})`,
      );
      return [leaf(`${name}, its SMMU ${own}${vintf}: ${streams.join(', ') || 'no devices'}`)];
    }),
  );
}

function amdNode({
  guestId,
  doorbellCalls,
  eventsLost,
  devices,
  domains,
  queues,
  objects,
}: AmdViommuInspection): Node {
  return {
    line: `vIOMMU with GuestID ${guestId}: ${details({ doorbellCalls, eventsLost })}`,
    children: [
      ...devices.map(({ virtual, physical }) =>
        leaf(`DeviceID ${hex(virtual)} is ${hex(physical)} on the IOMMU`),
      ),
      ...domains.map(({ virtual, physical }) =>
        leaf(`DomainID ${virtual} is ${physical} on the IOMMU`),
      ),
      ...queues.map(queueNode),
      { line: 'iommufd', children: objectNodes(objects) },
    ],
  };
}

/** The same for the AMD IOMMU. */
function behindAmdNodes({ name, amd }: VmInspection): Node[] {
  if (!amd) return [];
  const devices = amd.devices.map(
    ({ virtual, physical }) => `DeviceID ${hex(physical)} (the guest's ${hex(virtual)})`,
  );
  return [leaf(`${name}, GuestID ${amd.guestId}: ${devices.join(', ')}`)];
}

const vmNode = ({ name, window, memory, references: held, viommus, amd }: VmInspection): Node => ({
  line:
    `${name}: window ${window} of the physical address map, ${memory / 2 ** 20} MiB, ` +
    `${references(held)}`,
  children: [...viommus.map(viommuNode), ...(amd ? [amdNode(amd)] : [])],
});

/** The counters that are not 0. */
const countsText = ({ events, ...counts }: SmmuCounters): string =>
  [Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)), events]
    .map(details)
    .filter(Boolean)
    .join('; ');

/** An LVCMDQ of a machine that owns its CMDQV is one of the VCMDQs that it has. */
const withVcmdqs = ({ queues, ...vintf }: VintfInspection): VintfInspection => ({
  ...vintf,
  queues: queues.map((queue) => ({ ...queue, name: `${queue.name}, VCMDQ ${queue.block}` })),
});

const ownedNode = ({ machine, streams, queues, vintfs, counts }: OwnedSmmuInspection): Node => ({
  line: [`${machine}, which owns a physical SMMU`, countsText(counts)].filter(Boolean).join('; '),
  children: [
    leaf(`StreamIDs ${streams.map(hex).join(', ')}`),
    ...queues.map(queueNode),
    ...vintfs.map((vintf) => vintfNode(withVcmdqs(vintf))),
  ],
});

function lines({ line, children }: Node, first = '', rest = ''): string[] {
  const last = children.length - 1;
  return [
    first + line,
    ...children.flatMap((child, i) =>
      lines(child, `${rest}${i === last ? '└ ' : '├ '}`, `${rest}${i === last ? '  ' : '│ '}`),
    ),
  ];
}

/** The tree. */
export function inspectionText({
  vmids,
  ramInUse,
  smmus,
  vms,
  owned = [],
}: HostInspection): string {
  const { bits, pinned, pinnable, generation } = vmids;
  const host: Node = {
    line: `host: ${ramInUse / 1024} KiB of its RAM given out`,
    children: [
      leaf(
        smmus.length > 0
          ? `VMIDs of ${bits} bits, generation ${generation}: ${pinned} of ${pinnable} pinned`
          : `DomainIDs of ${bits} bits: ${pinned} of ${pinnable} in use`,
      ),
      ...smmus.map(({ vintfsInUse, counts }, i) => {
        const lent = `VINTFs lent ${vintfsInUse}`;
        const parts = [lent, countsText(counts)].filter(Boolean);
        return { line: `SMMU ${i}: ${parts.join('; ')}`, children: behindNodes(i, vms) };
      }),
      ...(smmus.length > 0 ? [] : [{ line: 'AMD IOMMU', children: vms.flatMap(behindAmdNodes) }]),
      ...vms.map(vmNode),
      ...owned.map(ownedNode),
    ],
  };
  return `${lines(host).join('\n')}\n`;
}
