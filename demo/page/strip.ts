// SPDX-License-Identifier: MIT
// "What just happened": one TLBI of each path, from the guest's store to its completion;
// in an experiment the changes by each step.

import { html, nothing, type TemplateResult } from 'lit-html';
import { isLive, type Settings } from '../demo-settings.ts';
import type { Picture, SessionFacts, TracePicture } from '../protocol.ts';
import { measuredTime, spread } from './page-text.ts';
import { stepList } from './step-list.ts';

interface Stage {
  readonly title: string;
  readonly detail: string;
  readonly explains: string;
}

function stages(trace: TracePicture, drain: string): Stage[] {
  const { path, queue, prodBefore, prodAfter, writeNs, vmid } = trace;
  const written: Stage = {
    title: 'guest writes',
    detail: `2 entries at ${prodBefore} \u00b7 ${measuredTime(writeNs)}`,
    explains:
      `The guest puts TLBI_NH_VA and CMD_SYNC into the ring of ${queue}, in its own ` +
      `memory: ${measuredTime(writeNs)}, the mean of many.`,
  };
  const executed: Stage = {
    title: 'drain',
    detail: path !== 'trapped' ? `VMID 0 \u2192 ${vmid}` : `VMID ${vmid}`,
    explains:
      `The commands are fetched once each, the VM's own VMID ${vmid} goes in whatever ` +
      'the guest wrote, and matching IOTLB entries die.',
  };
  if (path === 'trapped') {
    return [
      written,
      {
        title: 'CMDQ_PROD',
        detail: `store ${prodAfter} \u00b7 exit`,
        explains:
          'The register traps: control leaves the guest for the VMM, which is counted as an exit.',
      },
      {
        title: 'VMM',
        detail: 'bus, vSMMU',
        explains: 'The bus finds the device, and the vSMMU hands the batch to the host.',
      },
      executed,
      {
        title: 'CMDQ_CONS',
        detail: `read ${prodAfter} \u00b7 exit`,
        explains: 'The guest looks whether its CMD_SYNC is consumed: another exit, or several.',
      },
    ];
  }
  const call = drain === 'thread';
  return [
    written,
    {
      title: 'stores PROD',
      detail: `${prodAfter} \u00b7 guest memory`,
      explains:
        path === 'overlay'
          ? 'CMDQ_PROD is mapped into the guest, which does not know: the store is a store, ' +
            'and no exit.'
          : 'Page 0 of the VINTF is guest memory: the store is a store, and no exit.',
    },
    call
      ? {
          title: 'drain thread sees it',
          detail: 'another core',
          explains:
            'A thread of its own watches the doorbell page; the guest makes no call at all.',
        }
      : {
          title: 'doorbell',
          detail: 'Wasm \u2192 Wasm',
          explains:
            "The guest's runtime calls the drain's export: control never reaches JavaScript.",
        },
    executed,
    {
      title: 'CONS moves',
      detail: `${prodAfter} \u00b7 guest memory`,
      explains: 'CONS is published after the effects; the guest reads it from its own memory.',
    },
  ];
}

function lane(trace: TracePicture, longest: number, drain: string): TemplateResult {
  const { path, vm, queue, totalNs, lowNs, highNs, samples, batches, exits } = trace;
  const figures =
    samples === 0
      ? 'the first ones, while the browser compiles the VMM: no measurement yet'
      : `the median of ${samples} traces, ${spread(lowNs, highNs) || 'all alike'}`;
  const each = (exits / Math.max(1, batches)).toFixed(exits === 0 ? 0 : 1);
  return html`<div class="lane ${path}" data-path=${path}>
    <div class="total" tabindex="-1"
        data-explain=${
          `${path}: from the first store to completion ${measuredTime(totalNs)}, ${figures}. Each ` +
          `trace is the mean of many batches of one TLBI and its CMD_SYNC; the last had ` +
          `${batches} batches and ${exits} exits.`
        }>
      <b>${path}</b><span>${vm} ${queue}</span><strong class=${samples === 0 ? 'cold' : ''}
          data-value="ns">${measuredTime(totalNs)}</strong><span><i
          data-value="exits">${each}</i> exits</span>
      <small class="spread">${samples === 0 ? 'warming up' : spread(lowNs, highNs)}</small>
      <i class="bar" style="--part:${totalNs / longest}"></i>
    </div>
    <ol>
      ${stages(trace, drain).map(
        ({ title, detail, explains }) => html`<li tabindex="-1"
          data-explain=${explains}><b>${title}</b><span>${detail}</span></li>`,
      )}
    </ol>
  </div>`;
}

/** A TLBI that nobody has followed: its ways are known without one. */
const NONE = {
  vm: '',
  vmid: 0,
  queue: '',
  prodBefore: 0,
  prodAfter: 0,
  writeNs: 0,
  lastNs: 0,
  totalNs: 0,
  lowNs: 0,
  highNs: 0,
  samples: 0,
  batches: 0,
  exits: 0,
} as const;

const ORDER = ['direct', 'overlay', 'trapped'] as const;

/** What is to come, while there is nothing that has happened. */
function ahead({ guest, path }: Settings, drain: string): TemplateResult {
  if (guest !== 'toy')
    return html`<p class="none">Only the toy follows single TLBIs. What this guest does is in its
      rings, exits and event queue.</p>`;
  const paths = ORDER.filter((one) => path === 'all' || one === path);
  return html`<p class="none">None yet: each guest brings its SMMU up first, and runs its checks. Then
      it follows one TLBI again and again, on ${paths.length === 1 ? 'this way' : 'these ways'}:</p>
    <ul class="ahead">${paths.map(
      (one) =>
        html`<li class=${one}><b>${one}</b> ${stages({ ...NONE, path: one }, drain)
          .map(({ title }) => title)
          .join(' \u2192 ')}</li>`,
    )}</ul>`;
}

export function strip(
  picture: Picture | undefined,
  facts: SessionFacts | undefined,
  settings: Settings,
): TemplateResult {
  const { traces = [], changes = [] } = picture ?? {};
  if (!isLive(settings))
    return html`<h2 tabindex="0"
        data-explain=${
          'What each step of the experiment has changed: commands that queues took, pages of the ' +
          'IOTLB, event records, exits. Newest first.'
        }>
        What just happened <small>step by step, newest first</small>
      </h2>
      ${stepList(changes)}`;
  const longest = Math.max(1, ...traces.map(({ totalNs }) => totalNs));
  const order = (path: string) => (ORDER as readonly string[]).indexOf(path);
  const sorted = traces.toSorted((a, b) => order(a.path) - order(b.path));
  return html`<h2 tabindex="0"
      data-explain=${
        "One TLBI followed from the guest's store to its completion, on each path that the guest " +
        'uses.'
      }>
      What just happened <small>one TLBI, from store to completion</small>
    </h2>
    ${sorted.map((trace) => lane(trace, longest, facts?.drain ?? ''))}
    ${sorted.length === 0 ? ahead(settings, facts?.drain ?? '') : nothing}`;
}
