// The layer rule (docs/architecture.md, "Layers"): each folder imports only what stands below it. biome.json states it; these tests
// plant a violation of every part of it and expect the lint run to fail at exactly that file.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIOME = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');

const VIOLATIONS: readonly { rule: string; file: string; source: string }[] = [
  {
    rule: 'layout tables import nothing',
    file: 'assembly/layout/a.ts',
    source: "export * from './b.ts';",
  },
  {
    rule: 'layout tables import no package',
    file: 'assembly/layout/c.ts',
    source: "import 'node:fs';",
  },
  {
    rule: 'assembly does not import devices',
    file: 'assembly/smmu-core/a.ts',
    source: "import { x } from '../../devices/plugin/index';\nx;",
  },
  {
    rule: 'assembly does not import vmm',
    file: 'assembly/a.ts',
    source: "export { x } from '../vmm/host/host.ts';",
  },
  {
    rule: 'assembly does not import the guest driver',
    file: 'assembly/b.ts',
    source: "export { x } from '../guest-driver/toy/index.ts';",
  },
  {
    rule: 'the guest shares no hot module',
    file: 'guest-driver/toy/a.ts',
    source: "export { x } from '../../assembly/lib/fields';",
  },
  {
    rule: 'the guest shares no loader',
    file: 'guest-driver/b.ts',
    source: "export { x } from '../assembly/load.ts';",
  },
  {
    rule: 'the guest does not import devices',
    file: 'guest-driver/c.ts',
    source: "export { x } from '../devices/plugin/index.ts';",
  },
  {
    rule: 'the guest does not import vmm',
    file: 'guest-driver/d.ts',
    source: "export { x } from '../vmm/index.ts';",
  },
  {
    rule: 'devices do not import vmm',
    file: 'devices/cmdqv/a.ts',
    source: "import { x } from '../../vmm/index.ts';\nx();",
  },
  {
    rule: 'not even a type of vmm',
    file: 'devices/cmdqv/b.ts',
    source: "import type { X } from '../../vmm/host/host.ts';\nexport const x = {} as X;",
  },
  {
    rule: 'not even later',
    file: 'devices/cmdqv/c.ts',
    source: "export const x = () => import('../../vmm/host/host.ts');",
  },
  {
    rule: 'devices do not import the whole package',
    file: 'devices/cmdqv/d.ts',
    source: "export * from 'vsmmu';",
  },
  {
    rule: 'devices do not import the guest driver',
    file: 'devices/cmdqv/e.ts',
    source: "export * from '../../guest-driver/runtime/abi.ts';",
  },
  {
    rule: 'vmm does not import cli',
    file: 'vmm/host/a.ts',
    source: "export * from '../../cli/main.ts';",
  },
  {
    rule: 'vmm does not import demo',
    file: 'vmm/host/b.ts',
    source: "export * from '../../demo/main.ts';",
  },
  {
    rule: 'vmm does not import the guest driver',
    file: 'vmm/host/c.ts',
    source: "export * from '../../guest-driver/toy/index.ts';",
  },
  {
    rule: 'the machine knows no SMMU',
    file: 'vmm/machine/a.ts',
    source: "export * from '../../devices/smmuv3/viommu-backend.ts';",
  },
  {
    rule: 'the machine knows no UART',
    file: 'vmm/machine/b.ts',
    source: "export * from '../../devices/pl011/index.ts';",
  },
  {
    rule: 'the machine does not import cli',
    file: 'vmm/machine/c.ts',
    source: "export * from '../../cli/main.ts';",
  },
  {
    rule: 'the host object model knows no hardware',
    file: 'vmm/iommufd/a.ts',
    source: "export * from '../../devices/unit/index.ts';",
  },
  {
    rule: 'the host object model knows no host',
    file: 'vmm/iommufd/b.ts',
    source: "export * from '../host/errors.ts';",
  },
  {
    rule: 'the command imports no page',
    file: 'cli/b.ts',
    source: "export * from '../demo/main.ts';",
  },
  {
    rule: 'the page does not import the command',
    file: 'demo/a.ts',
    source: "export * from '../cli/boot.ts';",
  },
  {
    rule: 'shipped code imports no test code',
    file: 'cli/a.ts',
    source: "export * from '../test/support/fake-bus.ts';",
  },
];

const ALLOWED: readonly { file: string; source: string }[] = [
  { file: 'assembly/smmu-core/ok.ts', source: "export { x } from '../layout/ste';" },
  {
    file: 'guest-driver/toy/ok.ts',
    source: "export { x } from '../../assembly/layout/ste';\nexport { y } from '../runtime/abi';",
  },
  {
    file: 'devices/cmdqv/ok.ts',
    source:
      "export { x } from '../../assembly/layout/ste.ts';\nexport { y } from '../unit/index.ts';",
  },
  {
    file: 'vmm/host/ok.ts',
    source:
      "export { x } from '../../devices/smmuv3/index.ts';\nexport { y } from '../machine/bus.ts';",
  },
  { file: 'vmm/host/ok2.ts', source: "export { x } from '../iommufd/index.ts';" },
  {
    file: 'vmm/machine/ok.ts',
    source:
      "export { x } from '../../devices/plugin/index.ts';\nexport { y } from '../../devices/unit/index.ts';\nexport { z } from './bus.ts';",
  },
  {
    file: 'cli/ok.ts',
    source: "export { x } from '../vmm/index.ts';\nexport { y } from '../devices/plugin/index.ts';",
  },
];

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string | { readonly file: string } };
  }[];
}

/** Files with a violation in a tree, and the exit status of the lint run. */
function lint(cwd: string): { status: number | null; files: string[] } {
  const args = [
    BIOME,
    'lint',
    '--only=style/noRestrictedImports',
    '--reporter=json',
    '--max-diagnostics=none',
    '.',
  ];
  const run = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  const report = JSON.parse(run.stdout) as Report;
  const files = report.diagnostics
    .filter((diagnostic) => diagnostic.category === 'lint/style/noRestrictedImports')
    .map(({ location: { path } }) => (typeof path === 'string' ? path : path.file));
  return { status: run.status, files };
}

describe('layer rule', () => {
  let tree = '';
  let planted: ReturnType<typeof lint>;

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'vsmmu-layers-'));
    for (const file of ['biome.json', 'package.json', '.gitignore'])
      cpSync(join(ROOT, file), join(tree, file));
    for (const { file, source } of [...VIOLATIONS, ...ALLOWED]) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), `${source}\n`);
    }
    planted = lint(tree);
  });

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it.each(VIOLATIONS)('$rule: $file', ({ file }) => {
    expect(planted.files).toContain(file);
  });

  it('fails the lint run', () => {
    expect(planted.status).toBe(1);
  });

  it.each(ALLOWED)('lets $file import what stands below it', ({ file }) => {
    expect(planted.files).not.toContain(file);
  });

  it('holds in the tree as it is', () => {
    expect(lint(ROOT)).toEqual({ status: 0, files: [] });
  });
});
