// SPDX-License-Identifier: MIT
// Pairs each number of docs/versions.md with its format. A test here fails when a format
// has changed: raise its number, unless the change only adds to it, and record the new
// format here.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as versions from 'vsmmu';
import * as GUEST_ABI from '../../assembly/layout/guest-abi.ts';
import { BOOT_SETTINGS } from '../../cli/boot-settings.ts';
import { PROJECT } from '../support/project.ts';
import { vsmmu } from '../support/vsmmu-command.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
const read = (path: string) => readFile(join(PROJECT, path), 'utf8');

/** TypeScript source without what a compiler ignores. */
function bare(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * Paths of the values in a JSON object, with their types.
 * @param data paths whose keys are data, not format.
 */
function shapeOf(value: unknown, data: readonly string[] = []): string[] {
  const lines = new Set<string>();
  const visit = (inner: unknown, path: string) => {
    if (Array.isArray(inner)) {
      for (const one of inner) visit(one, `${path}[]`);
    } else if (typeof inner === 'object' && inner !== null) {
      for (const [key, one] of Object.entries(inner))
        visit(one, data.includes(path) ? `${path}.*` : path === '' ? key : `${path}.${key}`);
    } else {
      lines.add(`${path}: ${typeof inner}`);
    }
  };
  visit(value, '');
  return [...lines].sort();
}

const JSON_PAGE = readFileSync(join(PROJECT, 'docs/json.md'), 'utf8');

/** The format in docs/json.md below a heading. */
function shapeOn(heading: string): string {
  const below = JSON_PAGE.split(`## ${heading}\n`)[1] ?? '';
  return /```text\n([\s\S]*?)```/.exec(below)?.[1] ?? '';
}

/**
 * Lines of a format, in which paths with a common beginning share one line: "a: b number,
 * c string".
 */
function lines(shape: string): string[] {
  return shape
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, path = '', rest = ''] = /^\s*(\S*): (.*)$/.exec(line) ?? [];
      return rest.split(', ').map((field) => {
        const [name = '', type = ''] = field.split(' ');
        return `${path === '.' ? '' : `${path}.`}${name}: ${type}`;
      });
    })
    .sort();
}

let folder: string;
const parsed: Record<
  'report' | 'findings' | 'summary' | 'inspection' | 'trace' | 'decoded' | 'judged',
  unknown
> = {} as never;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-formats-'));
  const file = join(folder, 'run.json');
  const json = async (...args: string[]) =>
    JSON.parse((await vsmmu(...args, '--json')).stdout) as unknown;
  const direct = ['--vms', '1', '--path', 'direct', '--arg', 'warmup=0'];
  parsed.report = await json('boot', 'toy', ...direct, '--check');
  // Without measurements a trace is short.
  await json('boot', 'toy', '--vms', '1', '--experiment', 'stale-dma', '--trace', file);
  parsed.findings = await json('boot', 'toy', '--experiment', 'forget-tlbi', '--check');
  parsed.summary = await json('trace', 'summary', file);
  parsed.inspection = await json('inspect', file);
  parsed.trace = JSON.parse(await readFile(file, 'utf8'));
  parsed.decoded = await json('decode', 'cmd', '0000000000000046', '0000000000000000');
  const ste = ['000f00000000100b', ...Array<string>(7).fill('0')];
  parsed.judged = await json('decode', 'ste', ...ste, '--id-registers', 'guest');
}, 300_000);
afterAll(() => rm(folder, { recursive: true }));

describe('versions', () => {
  it('are those of docs/versions.md', async () => {
    const page = await read('docs/versions.md');
    const rows = [...page.matchAll(/^\|[^|]*\| (\d+) .*?`([A-Z]+_[A-Z_]*VERSION)`/gm)];
    expect(Object.fromEntries(rows.map(([, number, name]) => [name, Number(number)]))).toEqual({
      GUEST_ABI_VERSION: versions.GUEST_ABI_VERSION,
      PLUGIN_INTERFACE_VERSION: versions.PLUGIN_INTERFACE_VERSION,
      TRACE_FORMAT_VERSION: versions.TRACE_FORMAT_VERSION,
      JSON_FORMAT_VERSION: versions.JSON_FORMAT_VERSION,
      CONFIG_FORMAT_VERSION: versions.CONFIG_FORMAT_VERSION,
    });
  });

  it('of the guest ABI: its constants', () => {
    const constants = Object.entries(GUEST_ABI).sort(([a], [b]) => (a < b ? -1 : 1));
    expect(constants.length).toBeGreaterThan(50);
    expect([versions.GUEST_ABI_VERSION, hash(JSON.stringify(constants))]).toEqual([
      1,
      'ccf86814d68d96ab',
    ]);
  });

  it('of the plugin interface: its text', async () => {
    const text = await Promise.all(
      ['devices/plugin/device.ts', 'devices/plugin/device-host.ts'].map(read),
    );
    expect([versions.PLUGIN_INTERFACE_VERSION, hash(text.map(bare).join('\n'))]).toEqual([
      2,
      'dc7df63c11a70800',
    ]);
    expect(bare('a; // b\n/* c\n d */  e')).toBe('a; e');
  });

  it('of configuration files: their options', () => {
    expect([versions.CONFIG_FORMAT_VERSION, Object.keys(BOOT_SETTINGS).sort().join(' ')]).toEqual([
      1,
      [
        'allowGc append arch args btm devices directMaps disks drain env experiment gdb gdbWait guest hostRam',
        'icacheCheck idRegisters initrd iommu iotlbCheck json kernel memory msi onQueueError overlay',
        'path pcie queues quiet role run secondary seed semihosting smmus testdev timeout trace traceLimit translate transport',
        'vcmdqs vcpus vintfs vms',
      ].join(' '),
    ]);
  });

  it('of trace files: what one has', () => {
    const { otherData, ...trace } = parsed.trace as { otherData: { host: unknown } };
    const { host, ...other } = otherData;
    expect(versions.TRACE_FORMAT_VERSION).toBe(1);
    expect(other).toMatchObject({ formatVersion: versions.TRACE_FORMAT_VERSION });
    const types = shapeOf({ ...trace, otherData: other }, ['traceEvents[].args']);
    expect(types.filter((line) => !line.startsWith('traceEvents[].args.'))).toEqual(
      lines(shapeOn('A trace file')),
    );
    expect({ formatVersion: versions.JSON_FORMAT_VERSION, ...(host as object) }).toEqual(
      parsed.inspection,
    );
  });
});

describe('what --json prints', () => {
  it.each(['report', 'findings', 'summary', 'inspection', 'decoded', 'judged'] as const)(
    '%s begins with its version',
    (name) => {
      expect(versions.JSON_FORMAT_VERSION).toBe(1);
      expect(Object.entries(parsed[name] as object)[0]).toEqual([
        'formatVersion',
        versions.JSON_FORMAT_VERSION,
      ]);
    },
  );

  it('of vsmmu boot', () => {
    const data = ['exits.byRegister'];
    const both = new Set([...shapeOf(parsed.report, data), ...shapeOf(parsed.findings, data)]);
    expect([...both].sort()).toEqual(lines(shapeOn('vsmmu boot')));
  });

  it('of vsmmu trace summary', () => {
    expect(shapeOf(parsed.summary)).toEqual(lines(shapeOn('vsmmu trace summary')));
  });

  it('of vsmmu decode', () => {
    const both = new Set([...shapeOf(parsed.decoded), ...shapeOf(parsed.judged)]);
    expect([...both].sort()).toEqual(lines(shapeOn('vsmmu decode')));
    expect(parsed.decoded).not.toHaveProperty('refusals');
  });

  // It needs a kernel and minutes, so its rows are read from their declaration.
  it('of vsmmu bench linux', async () => {
    const source = bare(await read('cli/linux-bench.ts'));
    const [, row = ''] = /interface LinuxBenchRow \{(.*?)\}/.exec(source) ?? [];
    const members = [...row.matchAll(/readonly (\w+)\??: (\w+);/g)];
    expect(members).toHaveLength(row.split(';').length - 1);
    expect(lines(shapeOn('vsmmu bench linux'))).toEqual(
      [
        'formatVersion: number',
        ...members.map(([, name, type]) => `rows[].${name}: ${type}`),
      ].sort(),
    );
  });

  it('is on the page for each command that has --json', async () => {
    const folder = join(PROJECT, 'cli/commands');
    const sources = (await readdir(folder)).map((name) => readFileSync(join(folder, name), 'utf8'));
    const commands = sources
      .filter((source) => source.includes("'--json"))
      .map((source) => /\.command\('(\w+)'\)/.exec(source)?.[1]);
    expect(commands.length).toBeGreaterThan(2);
    for (const name of commands)
      expect(JSON_PAGE, `vsmmu ${name}`).toMatch(new RegExp(`^## vsmmu ${name}\\b`, 'm'));
  });

  it('of vsmmu inspect', () => {
    const data = [
      'smmus[].counts',
      'smmus[].counts.*',
      'vms[].viommus[].counts',
      'vms[].viommus[].objects[].details',
    ];
    expect(shapeOf(parsed.inspection, data)).toEqual(lines(shapeOn('vsmmu inspect')));
  });
});
