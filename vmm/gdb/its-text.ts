// SPDX-License-Identifier: MIT
// An ITS, its tables and its LPIs as text.

import type {
  InspectedIts,
  InspectedItsDevice,
  InspectedItsEvent,
  InspectedItsTable,
  InspectedLpi,
  InspectedRedistributor,
} from '../../devices/gicv3/index.ts';

/** Maximum number of collections, devices and events that are listed. */
const MOST_LINES = 1024;

const hex = (value: number) => `0x${value.toString(16)}`;
const configured = ({ enabled, priority }: { enabled: boolean; priority: number }) =>
  `${enabled ? 'enabled' : 'disabled'}, priority ${hex(priority)}`;

function tableText(what: string, table: InspectedItsTable): string {
  if (!table.valid) return `  ${what} table: none`;
  const { address, pages, pageSize, indirect } = table;
  const size = `${pages} ${pages === 1 ? 'page' : 'pages'} of ${pageSize / 1024} KiB`;
  return `  ${what} table: ${indirect ? 'two levels' : 'flat'}, ${size} at ${hex(address)}`;
}

function queueText({ queue, errors }: InspectedIts): string {
  if (!queue.valid) return '  command queue: none';
  const { address, size, creadr, cwriter } = queue;
  const wrong =
    errors.count === 0 ? '' : `, ${errors.count} commands in error, the last ${hex(errors.last)}`;
  return (
    `  command queue: ${size / 1024} KiB at ${hex(address)}, CREADR ${hex(creadr)}, ` +
    `CWRITER ${hex(cwriter)}${wrong}`
  );
}

/** The state of the LPI, and its table in RAM if that differs. */
function lpiText(lpi: InspectedLpi): string {
  const { enabled, priority, table, pending, target } = lpi;
  const isStale = table && (table.enabled !== enabled || table.priority !== priority);
  return [
    `LPI ${lpi.intid}, ${configured(lpi)}`,
    ...(isStale ? [` (its table: ${configured(table)}, without INV)`] : []),
    ...(pending ? [`, pending on vCPU ${target}`] : []),
  ].join('');
}

function eventText({ event, intid, collection, vcpu, lpi }: InspectedItsEvent): string {
  const to = vcpu === undefined ? 'not mapped' : `vCPU ${vcpu}`;
  const what = lpi ? lpiText(lpi) : `INTID ${intid}, which is no LPI`;
  return `    event ${event}: ${what}, collection ${collection} (${to})`;
}

function deviceTexts({ device, room, address, events }: InspectedItsDevice): string[] {
  return [`  device ${hex(device)}: ${room} events at ${hex(address)}`, ...events.map(eventText)];
}

function redistributorText(one: InspectedRedistributor, vcpu: number): string {
  if (!one.enabled) return `  vCPU ${vcpu}: LPIs disabled`;
  const { idBits, configuration, pending } = one;
  return (
    `  vCPU ${vcpu}: LPIs enabled, INTIDs of ${idBits} bits, ` +
    `configuration table ${hex(configuration)}, pending table ${hex(pending)}`
  );
}

/** Registers, collections, and devices with their events and LPIs. */
export function itsText(its: InspectedIts): string {
  const mapped = [
    ...its.collections.map(({ collection, vcpu }) => `  collection ${collection}: vCPU ${vcpu}`),
    ...its.devices.flatMap(deviceTexts),
  ];
  const isCut = its.cut || mapped.length > MOST_LINES;
  const lines = [
    `ITS: ${its.enabled ? 'enabled' : 'disabled'}`,
    queueText(its),
    tableText('device', its.deviceTable),
    tableText('collection', its.collectionTable),
    ...its.redistributors.map(redistributorText),
    ...mapped.slice(0, MOST_LINES),
    ...(isCut ? ['  and more, which is not shown'] : []),
  ];
  return `${lines.join('\n')}\n`;
}
