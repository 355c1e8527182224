// SPDX-License-Identifier: MIT
// The report as text.

import type { Finding } from '../vmm/api/index.ts';
import type { Experiment } from '../vmm/boards/index.ts';
import type { Check } from '../vmm/report/checks.ts';
import { boundText, pathBound } from '../vmm/report/path-bound.ts';
import { printableData } from './printable-data.ts';
import type { PathReport, Report } from './report.ts';
import { colours } from './terminal.ts';

const RIGHT_ALIGNED = /^[\d.,x-]+$/;
const TOP_REGISTERS = 6;

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return RIGHT_ALIGNED.test(rows[1]?.[column] ?? '')
          ? cell.padStart(width)
          : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Time of a row compared with the same guest's on the trapped path at the same batch size. */
function ratio(row: PathReport, paths: readonly PathReport[]): string {
  const wanted = row.path.startsWith('arm64') ? 'arm64-trapped' : 'trapped';
  const trapped = paths.find(({ path, batch }) => path === wanted && batch === row.batch);
  return trapped && trapped.p50Ns > 0 ? (row.p50Ns / trapped.p50Ns).toFixed(2) : '-';
}

function pathTable(paths: readonly PathReport[]): string[] {
  if (paths.length === 0) return [];
  const header = [
    'path',
    'drain',
    'transport',
    'batch',
    'p50 ns',
    'p99 ns',
    'exits/batch',
    'of trapped',
    'vCPUs',
  ];
  const rows = paths.map((row) => {
    const figures = [row.batch, Math.round(row.p50Ns), Math.round(row.p99Ns)].map(String);
    return [
      row.path,
      row.drain,
      row.transport,
      ...figures,
      row.exitsPerBatch.toFixed(2),
      ratio(row, paths),
      String(row.vcpus),
    ];
  });
  return [
    '',
    'TLBI batch with its CMD_SYNC, time and exits',
    ...table([header, ...rows]).map((line) => `  ${line}`),
  ];
}

/** Explains, with the times of one vCPU, why the ratio of direct to trapped rises with the batch. */
function boundLines(paths: readonly PathReport[]): string[] {
  const timesOf = (wanted: PathReport['path']) => {
    const rows = paths
      .filter(({ path, vcpus }) => path === wanted && vcpus === 1)
      .toSorted((a, b) => a.batch - b.batch);
    const [small, large] = [rows[0], rows.at(-1)];
    return small && large && { small, large };
  };
  const [direct, trapped] = [timesOf('direct'), timesOf('trapped')];
  if (!direct || !trapped) return [];
  const sizes = { small: direct.small.batch, large: direct.large.batch };
  const bound = pathBound(
    { small: direct.small.p50Ns, large: direct.large.p50Ns },
    { small: trapped.small.p50Ns, large: trapped.large.p50Ns },
    sizes,
  );
  return bound ? [`  Bound: ${boundText(bound, sizes)}`] : [];
}

function checkLine(check: Check): string {
  const { name, ok, detail } = printableData(check);
  const { good, bad } = colours();
  return `  ${ok ? good('ok  ') : bad('FAIL')}  ${name}${detail === '' ? '' : `: ${detail}`}`;
}

/** A line for each finding of the sanitizer. */
function findingLines(sanitizer: Report['sanitizer']): string[] {
  return (sanitizer?.findings ?? []).map(({ text }) => `        ${printableData(text)}`);
}

/** Features that the physical SMMU executed although the guest's registers do not show them. */
function unadvertisedLines(sanitizer: Report['sanitizer']): string[] {
  return (sanitizer?.unadvertised ?? []).map(({ text }) => `  note  ${printableData(text)}`);
}

/** Reasons of refusals, in the guests' numbering: notes only, as a guest may intend them. */
function refusalLines(sanitizer: Report['sanitizer']): string[] {
  return (sanitizer?.refusals ?? []).map(
    ({ machine, event, streamId = 0, substreamId, queue, text, section }) => {
      const stream = queue ?? `StreamID 0x${streamId.toString(16)}`;
      const substream =
        substreamId === undefined ? '' : `, SubstreamID 0x${substreamId.toString(16)}`;
      return `  note  ${printableData(machine)}, ${stream}${substream}: ${event}: ${text} (${section})`;
    },
  );
}

/** The report with --quiet: only the failed checks. */
export function failureText({ checks, sanitizer }: Report): string {
  return checks
    .filter(({ ok }) => !ok)
    .map((check) => `${checkLine(check)}\n`)
    .concat(findingLines(sanitizer).map((line) => `${line}\n`))
    .join('');
}

/**
 * `hostChecks` are the checks of the host. The guests' own checks have been printed on their
 * consoles, so only failed ones are repeated.
 */
export function reportText(
  report: Report,
  hostChecks: readonly Check[],
  queuesName: 'VCMDQs' | 'Buffers' = 'VCMDQs',
): string {
  const { checks, exits, vcmdq, paths, ways, drain, sanitizer } = report;
  const failed = checks.filter(({ ok }) => !ok);
  const kinds = Object.entries(exits.byKind).map(([kind, count]) => `${kind} ${count}`);
  const registers = Object.entries(exits.byRegister)
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP_REGISTERS)
    .map(([register, count]) => `${printableData(register)} ${count}`);
  const lines = [
    '',
    'Report',
    ...hostChecks.map(checkLine),
    ...failed.filter((check) => !hostChecks.includes(check)).map(checkLine),
    ...findingLines(sanitizer),
    ...unadvertisedLines(sanitizer),
    ...refusalLines(sanitizer),
    ...pathTable(paths),
    ...boundLines(paths),
    '',
    `Exits    ${exits.total}: ${kinds.join(', ')}`,
    ...(registers.length === 0 ? [] : [`         most at ${registers.join(', ')}`]),
    `${queuesName.padEnd(8)} ${vcmdq.queues} queues, ${vcmdq.commands} commands, ${vcmdq.syncs} CMD_SYNC, ` +
      `${vcmdq.doorbellCalls} doorbell calls`,
    ...ways.map(
      ({ path, commands, rewritten, interventions, exits }) =>
        `${path.padEnd(8)} ${commands} commands, ${rewritten} rewritten, ${interventions} ` +
        `host interventions, ${exits} exits during invalidation`,
    ),
    `Drain    ${drain.place} (${drain.asked}): ${drain.reason}`,
    `Checks   ${checks.length - failed.length} of ${checks.length} hold`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * The result of an experiment.
 * @param suspects stale entries that the sanitizer has seen in use.
 */
export function experimentText(
  { title, about, shows, checked }: Experiment,
  ok: boolean,
  suspects: readonly Finding[],
): string {
  const seen = checked
    ? suspects.map(({ text }) => `  The sanitizer meanwhile: ${printableData(text)}\n`)
    : [];
  const outcome = ok ? shows : 'The result is not as expected: see the failed checks.';
  return `\n${title}\n  ${about}\n  ${outcome}\n${seen.join('')}`;
}
