// SPDX-License-Identifier: MIT
// The subcommand `trace`: prints the contents of a trace file.

import type { Command } from 'commander';
import { TraceCounts, type TraceSummary } from '../../vmm/trace/index.ts';
import { jsonLine } from '../json-line.ts';
import { printableData } from '../printable-data.ts';
import { readTrace } from '../trace-file.ts';

/** Maximum number of names that are shown for each track. */
const MOST = 8;

function text({ ms, events, lost, tracks }: TraceSummary): string {
  const lines = [`${events} events in ${ms.toFixed(3)} ms${lost > 0 ? `, ${lost} lost` : ''}`];
  for (const { process, track, names } of tracks) {
    lines.push('', `${process}, ${track}`);
    for (const { name, count, ms: length } of names.slice(0, MOST)) {
      lines.push(
        `  ${String(count).padStart(9)}  ${name}${length > 0 ? `, ${length.toFixed(3)} ms` : ''}`,
      );
    }
    if (names.length > MOST) lines.push(`             and ${names.length - MOST} more`);
  }
  return `${lines.join('\n')}\n`;
}

export function addTrace(program: Command): void {
  const command = program
    .command('trace')
    .description('read a file that `boot --trace` has written');
  command
    .command('summary')
    .description('summarise what happened how often and for how long, by machine and track')
    .argument('<file>', 'a trace file')
    .option('--json', 'print one JSON object', false)
    .action(async (file: string, { json }: { readonly json: boolean }) => {
      const counts = new TraceCounts();
      const { lost } = await readTrace(file, (event) => counts.add(event));
      const summary = counts.summary(lost);
      process.stdout.write(json ? jsonLine(summary) : text(printableData(summary)));
    });
}
