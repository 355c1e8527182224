// SPDX-License-Identifier: MIT
// The drawing: guest, VMM and SMMU, and the path of a TLBI. A trapped one goes up through
// the VMM; one on a VCMDQ, or on an overlaid CMDQ, goes directly across.

import { html, svg, type TemplateResult } from 'lit-html';
import type { EventKind, Frame, Picture, QueuePicture } from '../protocol.ts';
import { measuredTime } from './page-text.ts';

type PathName = 'trapped' | 'direct' | 'overlay';

interface Way {
  readonly line: string;
  /** Place of its label, and name of its queue. */
  readonly label: readonly [x: number, y: number];
  readonly queue: readonly [name: string, y: number, more?: string];
  readonly explains: string;
}

const WAYS: Readonly<Record<PathName, Way>> = {
  trapped: {
    line: 'M190 92 H250 V40 H590 V92 H650',
    label: [420, 84],
    queue: ['CMDQ', 92],
    explains:
      'Trapped: the store to CMDQ_PROD leaves the guest for the VMM (an exit), which reads the ' +
      'commands, puts the VM\u2019s VMID in and hands them on; each look at CMDQ_CONS is an exit, too.',
  },
  direct: {
    line: 'M190 132 H650',
    label: [420, 126],
    queue: ['VCMDQ', 132],
    explains:
      'Direct: PROD of a VCMDQ lies in guest memory. The SMMU takes the commands itself, and ' +
      'replaces VMID and StreamIDs. No exit.',
  },
  overlay: {
    line: 'M190 172 H650',
    label: [420, 166],
    queue: ['overlaid', 172, ' CMDQ'],
    explains:
      'Overlay: PROD and CONS of an ordinary CMDQ are mapped into a guest that has no driver for ' +
      'CMDQV. No exit for an invalidation.',
  },
};
const NAMES = ['trapped', 'direct', 'overlay'] as const;

const pathOf = ({ path }: QueuePicture): PathName =>
  path === 'trapped' || path === 'overlay' ? path : 'direct';

/** Commands of each path so far. */
function commandsOf({ vms }: Picture): Readonly<Record<PathName, number>> {
  const sums = { trapped: 0, direct: 0, overlay: 0 };
  for (const { queues } of vms) for (const queue of queues) sums[pathOf(queue)] += queue.commands;
  return sums;
}

/** Events in which something moves from the guest to the SMMU, or its answer back. */
const ON_THE_WAY: readonly EventKind[] = ['entry', 'prod', 'doorbell', 'fetch', 'cons', 'host'];

/** What moves in the drawing. */
export interface Moving {
  readonly moving: readonly PathName[];
  /** True while the machines run. */
  readonly goesOn: boolean;
  /** Changes when the drawing has to animate a path again. */
  readonly turn: number;
}

/** The path of an event. */
function pathOfEvent({ kind, vm, mark, picture }: Frame): readonly PathName[] {
  const machine = picture.vms.find(({ name }) => name === vm);
  const queue = machine?.queues.find(({ name }) => name === mark.queue);
  return queue && ON_THE_WAY.includes(kind) ? [pathOf(queue)] : [];
}

/** The paths that have carried commands in the last step, or that the shown event concerns. */
export class Traffic {
  #last: Picture | undefined;
  #moving: readonly PathName[] = [];
  #turn = 0;
  /** Number of the event that was shown last. */
  #event = -1;

  clear(): void {
    this.#last = undefined;
    this.#moving = [];
  }

  look(picture: Picture | undefined, frame: Frame | undefined): Moving {
    if (frame) {
      if (frame.number !== this.#event) this.#turn++;
      this.#event = frame.number;
      return { moving: pathOfEvent(frame), goesOn: false, turn: this.#turn };
    }
    if (!picture) return { moving: [], goesOn: false, turn: 0 };
    const last = this.#last;
    if (last !== picture && (last === undefined || last.steps !== picture.steps)) {
      const [now, then] = [commandsOf(picture), last && commandsOf(last)];
      const moved = then ? NAMES.filter((name) => now[name] > then[name]) : [];
      // At full rate a picture may be taken between two batches.
      if (picture.state !== 'running') this.#moving = moved;
      else
        this.#moving = NAMES.filter((name) => moved.includes(name) || this.#moving.includes(name));
      this.#last = picture;
      if (picture.state !== 'running' && moved.length > 0) this.#turn++;
    }
    return { moving: this.#moving, goesOn: picture.state === 'running', turn: this.#turn };
  }
}

/** An average of exits as text: whole, or with one digit. */
const exitsText = (exits: number) => (Number.isInteger(exits) ? String(exits) : exits.toFixed(1));

/** The time of a TLBI on a path, from traces or the guests’ measurement. */
function figures({ traces, rows }: Picture, name: PathName): string {
  const trace = traces.find(({ path }) => path === name);
  const row = rows.find(({ path, batch }) => path === name && batch === 1);
  if (!trace && !row) return '';
  const each = trace ? trace.exits / Math.max(1, trace.batches) : (row?.exitsPerBatch ?? 0);
  const count = `${exitsText(each)} exit${each === 1 ? '' : 's'}`;
  // The first traces do not measure time, but they do count exits.
  const ns = trace ? (trace.samples === 0 ? undefined : trace.totalNs) : row?.p50Ns;
  return ns === undefined ? count : `${count} \u00b7 ${measuredTime(ns)}`;
}

function way(name: PathName, there: boolean, moving: boolean, text: string) {
  const { line, label, queue, explains } = WAYS[name];
  const [title, y, more = ''] = queue;
  return svg`<g class="way ${name} ${there ? '' : 'away'} ${moving ? 'moving' : ''}"
      data-way=${name} tabindex="-1" data-explain=${there ? explains : `${explains} No guest here uses it.`}>
    <path class="reach" d=${line} />
    <path d=${line} marker-end="url(#tip-${name})" />
    <rect x="64" y=${y - 13} width="126" height="26" rx="4" />
    <text x="127" y=${y + 4}>${title}<tspan class="long">${more}</tspan></text>
    <text class="label" x=${label[0]} y=${label[1]}>${name}${text === '' ? '' : `: ${text}`}</text>
    <circle class="dot" r="6" style="offset-path:path('${line}')" />
  </g>`;
}

const box = (x: number, y: number, width: number, height: number, name: string, about: string) =>
  svg`<g class="box" tabindex="-1" data-explain=${about}><rect x=${x} y=${y} width=${width} height=${height} rx="7" />
    <text x=${x + 12} y=${y + 20}>${name}</text></g>`;

export function drawing(
  picture: Picture | undefined,
  { moving, goesOn, turn }: Moving,
): TemplateResult {
  const there = new Set(
    picture?.vms.flatMap(({ queues }) => queues.filter(({ enabled }) => enabled).map(pathOf)),
  );
  const dma = picture !== undefined && picture.pages.length > 0;
  const label =
    'A guest, the VMM above it, and the SMMU: a trapped TLBI goes up through the VMM, one on a ' +
    'VCMDQ goes straight across.';
  return html`<svg class="drawing ${goesOn ? 'goes-on' : ''} turn-${turn % 2}" viewBox="0 0 840 246"
      role="img" aria-label=${label}>
    <defs>
      ${NAMES.map(
        (name) => svg`<marker id="tip-${name}" class=${name} viewBox="0 0 8 8" refX="7" refY="4"
          markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" /></marker>`,
      )}
      <marker id="tip-dma" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
        orient="auto"><path d="M0 0 L8 4 L0 8 z" /></marker>
    </defs>
    ${box(20, 46, 180, 146, 'Guest', 'A virtual machine: its driver unmaps pages and invalidates.')}
    ${box(
      290,
      8,
      260,
      56,
      'VMM',
      'The virtual machine monitor, as QEMU: where a guest that takes an exit ends up, to be ' +
        'emulated.',
    )}
    ${box(
      640,
      46,
      180,
      146,
      'SMMU',
      'Arm\u2019s IOMMU, with CMDQV beside it: it takes commands from queues, and translates what ' +
        'devices access.',
    )}
    <text class="small" x="420" y="58">emulated SMMU: check, translate, pass on</text>
    <g class="cache" tabindex="-1" data-explain=${
      'The IOTLB: translations that the SMMU keeps. A TLBI removes them; until then a device ' +
      'reaches the page.'
    }><rect x="700" y="82" width="108" height="100" rx="4" /><text x="754" y="136">IOTLB</text>
      <text class="small" x="754" y="154">${picture?.pages.length ?? 0} pages</text></g>
    ${NAMES.map((name) =>
      way(name, there.has(name), moving.includes(name), picture ? figures(picture, name) : ''),
    )}
    <g class="dma ${dma ? '' : 'away'}" tabindex="-1" data-explain=${
      'DMA: a device gives the SMMU an iova; with a page of the IOTLB, or by a walk of the page ' +
      'tables, that becomes an address in memory.'
    }>
      <rect x="290" y="206" width="120" height="30" rx="5" /><text x="350" y="226">Device</text>
      <path d="M410 221 H730 V184" marker-end="url(#tip-dma)" />
      <text class="small" x="560" y="216">iova, StreamID</text>
      <rect x="760" y="206" width="60" height="30" rx="5" /><text x="790" y="226">RAM</text>
      <path d="M790 182 V204" marker-end="url(#tip-dma)" />
    </g>
  </svg>`;
}
