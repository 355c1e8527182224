// SPDX-License-Identifier: MIT
// What the VMs share, and the exits charged to each: IOTLB, exits by register, events.

import { html, nothing, type TemplateResult } from 'lit-html';
import type { Picture, TlbPicture, VmPicture } from '../protocol.ts';
import { colour } from './colours.ts';
import { short } from './page-text.ts';

function tlbRow({ vm, asid, count }: TlbPicture): TemplateResult {
  return html`<li tabindex="-1"
      data-explain=${
        `Entries of ${vm} with ASID ${asid} that a lookup would still use: ${count}. Each cell ` +
        'is 16 sets of the IOTLB.'
      }>
    <span>${vm} <small>ASID ${asid}</small></span><canvas width="64" height="1"
        data-tlb="${vm} ${asid}"></canvas><b>${count}</b>
  </li>`;
}

function registers({ name, exits }: VmPicture): TemplateResult {
  const { rows, measuring, total } = exits;
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return html`<div>
    <h3>${name} <small>${short(total - measuring)} exits</small></h3>
    <ul class="bars">
      ${rows.map(
        ({ name: kind, count, explains }) => html`<li tabindex="-1" data-kind=${kind}
            data-explain="${kind}: ${count} exits of ${name}, ${explains}.">
          <span>${kind}</span><i style="--part:${count / most}"></i><b>${short(count)}</b>
        </li>`,
      )}
      <li class="apart" tabindex="-1" data-kind="measuring"
          data-explain=${
            `Looks at the clock with which ${name} times invalidations for this page: ` +
            `${measuring}, in none of the other figures.`
          }><span>+ this page\u2019s clock reads</span><i style="--part:0"></i><b>${short(measuring)}</b></li>
    </ul>
  </div>`;
}

function events({ name, events: records, eventCount }: VmPicture): TemplateResult {
  return html`<div>
    <h3>${name} <small>${eventCount} ${eventCount === 1 ? 'record' : 'records'}</small></h3>
    <ul class="events">
      ${records.map(
        ({
          number,
          name: event,
          fields,
          summary,
        }) => html`<li tabindex="-1" data-explain="${event} (${fields}): ${summary}.">
          <span class="slot">${number}</span><span class="command">${event}</span><span
              class="operands">${fields}</span>
        </li>`,
      )}
      ${records.length === 0 ? html`<li class="none">none yet</li>` : nothing}
    </ul>
  </div>`;
}

export function side({ tlb, pages, vms }: Picture): TemplateResult {
  return html`<section class="panel tlb" aria-label="IOTLB">
      <h2 tabindex="0"
          data-explain=${
            'The IOTLB that all VMs of the host share, tagged with VMID and ASID: a TLBI of one ' +
            "VM never takes another's entries."
          }>IOTLB <small>${pages.length} pages, by VM and ASID</small></h2>
      <ul class="asids">${tlb.map(tlbRow)}</ul>
      <div class="pages" id="pages" tabindex="0" role="table" aria-label="Pages of the IOTLB"
          data-explain=${
            'Each entry of the IOTLB: the address that a device uses (iova), the physical ' +
            'address that it becomes, ASID and VMID with which it is tagged, and hits: how many ' +
            'accesses of devices it has answered since the walk that filled it. Scroll for all.'
          }></div>
    </section>
    <section class="panel exits" aria-label="Exits by kind">
      <h2 tabindex="0"
          data-explain=${
            "An exit is control leaving the guest's Wasm for JavaScript. Each one is counted, by " +
            'what it was for.'
          }>Exits <small>by kind</small></h2>
      <div class="vms">${vms.map(registers)}</div>
    </section>
    <section class="panel eventq" aria-label="Event queue">
      <h2 tabindex="0"
          data-explain=${
            "Records that the SMMU wrote to each guest's event queue, newest first, read from " +
            'guest memory.'
          }>Event queue <small>decoded</small></h2>
      <div class="vms">${vms.map(events)}</div>
    </section>`;
}

/** Paints the heat map's cells, in the colour that the style sheet gives them. */
export function paintTlb(root: HTMLElement, tlb: readonly TlbPicture[]): void {
  const [red = 0, green = 0, blue = 0] = (colour('--direct').match(/\d+/g) ?? []).map(Number);
  for (const canvas of root.querySelectorAll('canvas')) {
    const row = tlb.find(({ vm, asid }) => `${vm} ${asid}` === canvas.dataset.tlb);
    const context = canvas.getContext('2d');
    if (!row || !context) continue;
    const image = context.createImageData(row.cells.length, 1);
    row.cells.forEach((count, i) => {
      // Most groups have at most four entries; 64 would be full.
      image.data.set([red, green, blue, count === 0 ? 0 : Math.min(255, 80 + 45 * count)], 4 * i);
    });
    context.putImageData(image, 0, 0);
  }
}
