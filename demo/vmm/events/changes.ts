// SPDX-License-Identifier: MIT
// The changes between two observations of the machines, as events in the order of the
// architecture: first the effects of a command, then CONS, errors, records.

import type {
  EventKind,
  EventMark,
  PagePicture,
  Picture,
  QueuePicture,
  VmPicture,
} from '../../protocol.ts';

/** An event without its number and picture. */
export interface EventText {
  readonly kind: EventKind;
  readonly vm: string;
  readonly text: string;
  readonly mark: EventMark;
}

/** An event, and the part of the later picture that shows it. */
export interface PictureChange extends EventText {
  /** The earlier picture with that part. */
  apply(earlier: Picture): Picture;
}

/** Maximum number of entries that one event names; others are counted. */
const NAMED = 4;
const ERRORS: Readonly<Record<number, string>> = {
  1: 'CERROR_ILL',
  2: 'CERROR_ABT',
  3: 'CERROR_ATC_INV_SYNC',
};

/** Reasons of exits other than registers. */
export const EXITS: Readonly<Record<string, string>> = {
  mmio: 'an address without a register',
  wasi: 'a WASI call',
  wait: 'it has nothing to do',
  clock: 'it reads the clock',
};

export const errorName = (code: number) => ERRORS[code] ?? `error ${code}`;
export const hexOf = (value: number | bigint) => `0x${value.toString(16)}`;

function entryText({ asid, iova, pa }: PagePicture): string {
  return `${iova} \u2192 ${pa} (ASID ${asid})`;
}

function entriesText(entries: readonly PagePicture[]): string {
  const more = entries.length - NAMED;
  const named = entries.slice(0, NAMED).map(entryText).join(', ');
  return more > 0 ? `${named} and ${more} more` : named;
}

/** Per VM, the IOTLB entries in `one` that are not in `other`. */
function byVm(one: Picture, other: Picture): Map<string, PagePicture[]> {
  const keyOf = ({ vmid, asid, iova, pa, size, writable }: PagePicture) =>
    [vmid, asid, iova, pa, size, writable].join(' ');
  const others = new Set(other.pages.map(keyOf));
  const groups = new Map<string, PagePicture[]>();
  for (const entry of one.pages) {
    if (others.has(keyOf(entry))) continue;
    const group = groups.get(entry.vm) ?? [];
    group.push(entry);
    groups.set(entry.vm, group);
  }
  return groups;
}

const count = (entries: readonly unknown[]) =>
  entries.length === 1 ? 'An IOTLB entry' : `${entries.length} IOTLB entries`;

/**
 * IOTLB entries that were removed or added.
 * @param by the cause: "TLBI_NH_VA on VCMDQ 0"; empty when unknown.
 */
function tlbChanges(before: Picture, now: Picture, by: string): PictureChange[] {
  const { tlb, pages } = now;
  const shown = { mark: {}, apply: (earlier: Picture) => ({ ...earlier, tlb, pages }) };
  const gone = [...byVm(before, now)].map(
    ([vm, entries]): PictureChange => ({
      kind: 'tlb-out',
      vm,
      text:
        `${count(entries)} of ${vm} ${entries.length === 1 ? 'dies' : 'die'}: ` +
        `${entriesText(entries)}${by === '' ? '' : `. Why: ${by}`}.`,
      ...shown,
    }),
  );
  const come = [...byVm(now, before)].map(
    ([vm, entries]): PictureChange => ({
      kind: 'tlb-in',
      vm,
      text: `${count(entries)} of ${vm}: ${entriesText(entries)}.`,
      ...shown,
    }),
  );
  return [...gone, ...come];
}

/** The picture with one machine, or a part of it, from later. */
function withVm(earlier: Picture, index: number, part: Partial<VmPicture>): Picture {
  return {
    ...earlier,
    vms: earlier.vms.map((vm, i) => (i === index ? { ...vm, ...part } : vm)),
  };
}

/** Commands that a queue has consumed, as far as the page shows them. */
function passed(before: QueuePicture, { cons, size, entries }: QueuePicture): string {
  const cycle = 2 * size;
  const moved = (cons - before.cons + cycle) % cycle;
  const names = entries.filter(({ slot, name }) => {
    const behind = (cons - slot + cycle) % size;
    return name !== '' && behind > 0 && behind <= moved;
  });
  const more = moved - names.length;
  return `${more > 0 ? `${more} more, ` : ''}${names.map(({ name }) => name).join(', ')}`;
}

/**
 * Commands that the host had executed without an observation of each: after one of its
 * own.
 */
function carriedOut(before: Picture, now: Picture): string {
  const queues = now.vms.flatMap((vm, i) =>
    vm.queues.flatMap((queue) => {
      const old = before.vms[i]?.queues.find(({ name }) => name === queue.name);
      if (!old || old.cons === queue.cons) return [];
      return [`${passed(old, queue)} on ${queue.name} of ${vm.name}`];
    }),
  );
  return queues.join('; ');
}

type Text = readonly [kind: EventKind, text: string];

/** CONS, errors and enables of a queue, in the order in which a driver sees them. */
function queueTexts(before: QueuePicture, now: QueuePicture): Text[] {
  const { name, error, gerror, gerrorn, cons } = now;
  const texts: Text[] = [];
  const failed = gerror !== gerrorn;
  if (before.enabled !== now.enabled)
    texts.push(['registers', `${name} is ${now.enabled ? 'enabled' : 'off'}.`]);
  if (before.cons !== cons) {
    const isOne = (cons - before.cons + 2 * now.size) % (2 * now.size) === 1;
    const which = isOne ? '' : `, past ${passed(before, now)}`;
    texts.push(['cons', `CONS of ${name} is published: ${before.cons} \u2192 ${cons}${which}.`]);
  }
  if (failed && (before.gerror === before.gerrorn || before.error !== error)) {
    texts.push([
      'error',
      `${name} stops at its CONS with ${errorName(error)}: GERROR is ${hexOf(gerror)}, unlike ` +
        `GERRORN (${hexOf(gerrorn)}), until the driver acknowledges it.`,
    ]);
  } else if (!failed && before.gerror !== before.gerrorn) {
    texts.push([
      'acknowledge',
      `The driver stores ${hexOf(gerrorn)} to GERRORN of ${name}, like GERROR: the error is ` +
        'acknowledged.',
    ]);
  } else if (before.error !== error) {
    texts.push([
      'registers',
      `CONS.ERR of ${name} is ${error === 0 ? '0 again' : errorName(error)}.`,
    ]);
  }
  if (before.status !== now.status && before.enabled === now.enabled)
    texts.push(['registers', `STATUS of ${name} is ${hexOf(now.status ?? 0)}.`]);
  return texts;
}

function queueChanges(before: VmPicture, now: VmPicture, index: number): PictureChange[] {
  const changes: PictureChange[] = [];
  for (const queue of now.queues) {
    const old = before.queues.find(({ name }) => name === queue.name);
    if (!old) continue;
    const texts = queueTexts(old, queue);
    const { vm, mark } = { vm: now.name, mark: { queue: queue.name } };
    for (const [i, [kind, text]] of texts.entries()) {
      // All of a queue's registers are shown with the last of its events, CONS without an
      // error with its own.
      const isLast = i === texts.length - 1;
      const shown = isLast
        ? queue
        : {
            ...old,
            ...(kind === 'cons'
              ? { cons: queue.cons, consLap: queue.consLap, entries: queue.entries }
              : {}),
          };
      const apply = (earlier: Picture) =>
        withVm(earlier, index, {
          queues: (earlier.vms[index]?.queues ?? []).map((one) =>
            one.name === queue.name ? shown : one,
          ),
        });
      changes.push({ kind, vm, text, mark, apply });
    }
  }
  return changes;
}

function vmChanges(before: VmPicture, now: VmPicture, index: number): PictureChange[] {
  const vm = now.name;
  const changes = queueChanges(before, now, index);
  if (before.mapped !== now.mapped) {
    const what = now.overlay ? 'CMDQ_PROD and CMDQ_CONS are' : 'Page 0 of the VINTF is';
    const text = now.mapped
      ? `${what} mapped into ${vm}: a store to PROD is no exit from now on.`
      : `${what} no longer mapped into ${vm}: accesses trap.`;
    const apply = (earlier: Picture) => withVm(earlier, index, { mapped: now.mapped });
    changes.push({ kind: 'registers', vm, text, mark: {}, apply });
  }
  if (now.eventCount > before.eventCount) {
    const { events, eventCount } = now;
    const [newest] = events;
    const records = eventCount - before.eventCount;
    const text =
      `The SMMU writes ${records === 1 ? 'an event record' : `${records} event records`} for ` +
      `${vm}${newest ? `: ${newest.name} (${newest.fields})` : ''}.`;
    const apply = (earlier: Picture) => withVm(earlier, index, { events, eventCount });
    changes.push({ kind: 'record', vm, text, mark: {}, apply });
  }
  return changes;
}

/**
 * The changes as events.
 * @param by what was executed in between: why IOTLB entries were invalidated.
 */
export function changesBetween(before: Picture, now: Picture, by: string): PictureChange[] {
  const vms = now.vms.flatMap((vm, index) => {
    const old = before.vms[index];
    return old ? vmChanges(old, vm, index) : [];
  });
  const why = by === '' ? carriedOut(before, now) : by;
  return [...tlbChanges(before, now, why), ...vms];
}
