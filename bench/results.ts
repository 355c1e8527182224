// SPDX-License-Identifier: MIT
// The results of a benchmark run, as data (`--json`) and as tables.

import { boundText, pathBound } from '../vmm/report/path-bound.ts';
import type { Arm64Results } from './arm64/arm64-rate.ts';
import type { DmaResults } from './dma-rate.ts';
import type { DrainResults, DrainRow } from './drain-rate.ts';
import type { InvalidationRow } from './invalidation.ts';
import type { Ratios } from './measure.ts';
import type { PathRow } from './paths.ts';
import { BATCHES } from './paths.ts';
import type { RolloverRow, SchemeCounts } from './rollover.ts';
import { table } from './text-table.ts';
import type { TraceRow } from './trace-cost.ts';
import type { TranslationRow } from './translation.ts';
import type { UnmapRow } from './unmap.ts';

export interface Targets {
  /**
   * p50 of the direct path with the better placement of the drain, relative to the
   * trapped path with its exits in a mailbox: one vCPU, by batch.
   */
  readonly directToTrapped: Readonly<Record<number, number>>;
  /**
   * A single TLBI and CMD_SYNC with the drain on its own thread, as a multiple of a bare
   * handoff round trip.
   */
  readonly threadToHandoff: number;
}

export interface Results {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly rounds: number;
  /** The reason why the drain was not compared with native code. */
  readonly native?: string;
  readonly drain?: DrainResults;
  readonly translation?: readonly TranslationRow[];
  readonly paths?: readonly PathRow[];
  /** Nanoseconds of a round trip between two spinning threads. */
  readonly handoff?: number;
  /** Nanoseconds of an exit by mailbox that does nothing. */
  readonly mailboxExit?: number;
  readonly targets?: Targets;
  readonly unmap?: readonly UnmapRow[];
  readonly invalidation?: readonly InvalidationRow[];
  readonly rollover?: readonly RolloverRow[];
  readonly dma?: DmaResults;
  readonly trace?: readonly TraceRow[];
  /** The few ratios that are always compared with a baseline. */
  readonly core?: Ratios;
  /** The results, or the reason why it was not measured. */
  readonly arm64?: Arm64Results | string;
}

/** The project's target figures, from the rows. */
export function targetsOf(paths: readonly PathRow[], handoff: number): Targets {
  const p50 = (where: (row: PathRow) => boolean) =>
    Math.min(
      ...paths
        .filter((row) => row.vcpus === 1 && row.ids === 'default' && where(row))
        .map((row) => row.p50),
    );
  const ratio = (batch: number) =>
    p50((row) => row.batch === batch && row.path === 'direct') /
    p50((row) => row.batch === batch && row.path === 'trapped' && row.transport === 'mailbox');
  return {
    directToTrapped: Object.fromEntries(BATCHES.map((batch) => [batch, ratio(batch)])),
    threadToHandoff:
      p50((row) => row.batch === 1 && row.path === 'direct' && row.drain === 'thread') / handoff,
  };
}

const fixed = (digits: number) => (value: number | undefined) =>
  value === undefined ? '-' : value.toFixed(digits);
const [whole, tenths, hundredths] = [fixed(0), fixed(1), fixed(2)];

function drainText(drain: DrainResults): string {
  const { rows, asidFullToEmpty, emptyDoorbell, separateEmptyDoorbell } = drain;
  const cells = ({ wasm, separate, c, ratio }: DrainRow) => [
    tenths(wasm),
    tenths(separate),
    tenths(c),
    hundredths(ratio),
  ];
  const lines = rows
    .filter(({ iotlb }) => iotlb === 'empty')
    .map((empty) => {
      const full =
        rows.find(
          (row) => row.opcode === empty.opcode && row.batch === empty.batch && row.iotlb === 'full',
        ) ?? empty;
      return [empty.opcode, String(empty.batch), ...cells(empty), ...cells(full)];
    });
  return [
    'The drain, ns for each command; IOTLB empty and full; separate: by a unit of separate modules; ' +
      'C / wasm is the part of native speed',
    table(
      [
        ...['command', 'batch'],
        ...['empty', 'separate', 'C', 'C/wasm', 'full', 'separate', 'C', 'C/wasm'],
      ],
      lines,
    ),
    `TLBI_NH_ASID, full IOTLB to empty one: ${hundredths(asidFullToEmpty)}; a doorbell with ` +
      `nothing to do: ${tenths(emptyDoorbell)} ns, separate ${tenths(separateEmptyDoorbell)} ns`,
  ].join('\n');
}

function translationText(rows: readonly TranslationRow[]): string {
  const lines = rows.map(({ mode, granule, hit, miss, walk }) => [
    `${mode}, ${granule / 1024}K`,
    whole(hit),
    whole(miss),
    whole(walk),
  ]);
  return [
    'Translation, ns for each access',
    table(['stream', 'hit', 'miss', 'walk and insert'], lines),
  ].join('\n');
}

function pathsText(rows: readonly PathRow[]): string {
  const head = [
    'path',
    'vCPUs',
    'drain',
    'VCMDQs',
    ...BATCHES.flatMap((batch) => [`p50 of ${batch}`, 'p99']),
    'batches of 1 per s',
    'exits',
  ];
  const lines = rows
    .filter(({ batch }) => batch === BATCHES[0])
    .map((first) => {
      const { transport, vcpus, ids, path, drain, queues } = first;
      const sizes = BATCHES.map((batch) =>
        rows.find(
          (row) =>
            row.batch === batch &&
            row.transport === transport &&
            row.vcpus === vcpus &&
            row.ids === ids &&
            row.path === path &&
            row.drain === drain &&
            row.queues === queues,
        ),
      );
      return [
        `${path}, ${transport}${ids === 'grace' ? ', Grace' : ''}`,
        String(vcpus),
        drain,
        path === 'direct' ? queues : '-',
        ...sizes.flatMap((row) => [whole(row?.p50), whole(row?.p99)]),
        whole(first.batchesPerSecond),
        tenths(first.exitsPerBatch),
      ];
    });
  return ['TLBI_NH_VA and one CMD_SYNC, ns for each batch', table(head, lines)].join('\n');
}

/**
 * The bound of the ratio: one vCPU inline, which measures nothing but the work and the
 * exits.
 */
function boundOf(rows: readonly PathRow[]): string[] {
  const sizes = { small: BATCHES[0], large: BATCHES[2] };
  const timesOf = (path: PathRow['path']) => {
    const p50 = (batch: number) =>
      rows.find(
        (row) =>
          row.path === path &&
          row.batch === batch &&
          row.transport === 'inline' &&
          row.ids === 'default' &&
          row.drain !== 'thread',
      )?.p50 ?? Number.NaN;
    return { small: p50(sizes.small), large: p50(sizes.large) };
  };
  const bound = pathBound(timesOf('direct'), timesOf('trapped'), sizes);
  return bound ? [`inline, the drain after the doorbell: ${boundText(bound, sizes)}`] : [];
}

function targetsText(
  { directToTrapped, threadToHandoff }: Targets,
  handoff: number,
  mailboxExit: number | undefined,
): string {
  const ratios = Object.entries(directToTrapped).map(
    ([batch, ratio]) => `${hundredths(ratio)} at batch ${batch}`,
  );
  return [
    `p50 of direct (better placement) to trapped (mailbox): ${ratios.join(', ')}`,
    `spin handoff there and back: ${tenths(handoff)} ns; TLBI and CMD_SYNC with the drain on ` +
      `its own thread: ${hundredths(threadToHandoff)} times that; an exit by mailbox that does ` +
      `nothing: ${whole(mailboxExit)} ns`,
  ].join('\n');
}

function unmapText(rows: readonly UnmapRow[]): string {
  const less = (shared: number | undefined, own: number | undefined) =>
    shared && own ? `${whole(100 * (1 - own / shared))} %` : '-';
  const lines = rows.map(({ who, threads, pages, shared, own, ...row }) => [
    who,
    String(threads),
    String(pages),
    whole(shared),
    whole(own),
    threads === 1 ? '-' : less(shared, own),
    whole(row.sharedInvalidation),
    whole(row.ownInvalidation),
    threads === 1 ? '-' : less(row.sharedInvalidation, row.ownInvalidation),
  ]);
  const head = ['who', 'threads', 'pages', 'one queue', 'own queues', 'less by'];
  return [
    'DMA unmap: page tables, TLBI_NH_VA for each page, one CMD_SYNC; ns for each on every thread, ' +
      'and of it the invalidation',
    table([...head, 'of it', 'of it', 'less by'], lines),
  ].join('\n');
}

function invalidationText(rows: readonly InvalidationRow[]): string {
  const lines = rows.map(({ commands, ...row }) => [
    String(commands),
    ...[row.calls, row.entries, row.generic, row.queue, row.userQueue].map(whole),
  ]);
  return [
    'A TLBI_NH_VA of a guest handed to the kernel, ns for each: a call of hwptInvalidate for each, one call for all, ' +
      'the same by way of a generic format, hwptInvalidateQueue with a ring at an IOVA and in the memory of the VMM',
    table(['TLBIs', 'calls', 'one call', 'generic', 'queue', 'own queue'], lines),
  ].join('\n');
}

function rolloverText(rows: readonly RolloverRow[]): string {
  const counts = ({ flushes, emptied, underRunning }: SchemeCounts) =>
    [flushes, emptied, underRunning].map(String);
  const lines = rows.map(({ eager, deferred, ...row }) => [
    `${row.bits} bits, ${row.contexts} contexts, ${row.switching} of ${row.processors} switch`,
    ...[row.switches, row.rollovers].map(String),
    ...counts(eager),
    ...counts(deferred),
  ]);
  const head = ['flushes', 'TLBs emptied', 'of them running'];
  return [
    'Numbers used up, counts: eager as for VMIDs (three columns), deferred as for ASIDs (three more)',
    table(['what', 'switches', 'roll-overs', ...head, ...head], lines),
  ].join('\n');
}

function dmaText({ rows, whole: all }: DmaResults): string {
  const lines = rows.map(({ transfer, layout, smmu, plain, ratio }) => [
    `${transfer / 1024} KiB, ${layout}`,
    hundredths(smmu),
    hundredths(plain),
    hundredths(1 / ratio),
  ]);
  return [
    'DMA into a buffer and out again, GB/s; plain: the same copies without the SMMU',
    table(['transfer', 'SMMU', 'plain', 'of it'], lines),
    `All of it in one copy: ${hundredths(all)} GB/s`,
  ].join('\n');
}

function traceText(rows: readonly TraceRow[]): string {
  const lines = rows.map(({ what, off, on }) => [
    what,
    whole(off),
    whole(on),
    `${whole(100 * (1 - off / on))} %`,
  ]);
  return ['Tracing, inline, ns', table(['what', 'off', 'on', 'of the throughput'], lines)].join(
    '\n',
  );
}

function coreText(core: Ratios): string {
  const lines = Object.entries(core).map(([name, ratio]) => [name, ratio.toFixed(3)]);
  return ['The core, in ratios: the less the better', table(['what', 'ratio'], lines)].join('\n');
}

function arm64Text(results: Arm64Results | string): string {
  if (typeof results === 'string') return `arm64: not measured: ${results}`;
  const { rows, tierUp } = results;
  const hasQemu = rows.some(({ qemu }) => qemu !== undefined);
  const lines = rows.map(({ name, what, mips, interpreted, qemu }) => [
    `${name}: ${what}`,
    whole(interpreted),
    whole(mips),
    whole(qemu),
    qemu === undefined ? '-' : hundredths(mips / qemu),
  ]);
  return [
    'The arm64 CPU, million instructions per second of CPU time, best of three' +
      (hasQemu ? '' : '; qemu-system-aarch64 is not installed'),
    table(['program', 'interpreted', 'translated', 'QEMU', 'of it'], lines),
    `Optimised code takes over after ${whole(tierUp.wallMs)} ms ` +
      `(${whole(tierUp.cpuMs)} ms of CPU time, compiler included)`,
  ].join('\n');
}

/** The tables. */
export function resultsText({
  machine,
  rounds,
  native,
  drain,
  translation,
  paths,
  handoff,
  mailboxExit,
  targets,
  unmap,
  invalidation,
  rollover,
  dma,
  trace,
  core,
  arm64,
}: Results): string {
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; medians of ${rounds} ` +
      'interleaved rounds',
  ];
  if (drain) parts.push(drainText(drain));
  if (native) parts.push(`C: not measured: ${native}`);
  if (translation) parts.push(translationText(translation));
  if (paths) parts.push([pathsText(paths), ...boundOf(paths)].join('\n'));
  if (targets && handoff !== undefined) parts.push(targetsText(targets, handoff, mailboxExit));
  if (unmap) parts.push(unmapText(unmap));
  if (invalidation) parts.push(invalidationText(invalidation));
  if (rollover) parts.push(rolloverText(rollover));
  if (dma) parts.push(dmaText(dma));
  if (trace) parts.push(traceText(trace));
  if (core) parts.push(coreText(core));
  if (arm64 !== undefined) parts.push(arm64Text(arm64));
  return parts.join('\n\n');
}
