// SPDX-License-Identifier: MIT
// The rules of scripts/check-imports.mjs (docs/internals/architecture.md, "Layers"):
// violations of each are planted in a small tree, and each must be found at exactly its
// file.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImports } from '../../scripts/check-imports.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Rule, file, and the import that breaks it. */
const VIOLATIONS: readonly (readonly [rule: string, file: string, source: string])[] = [
  ['layout imports no package', 'assembly/layout/a.ts', "import 'node:fs';"],
  [
    'layout imports no other folder of assembly',
    'assembly/layout/a.ts',
    "export * from '../load.ts';",
  ],
  [
    'assembly does not import devices',
    'assembly/smmu-core/a.ts',
    "import { x } from '../../devices/plugin/index';\nx;",
  ],
  [
    'the guest shares no hot module',
    'guest-driver/toy/a.ts',
    "export { x } from '../../assembly/lib/fields';",
  ],
  [
    'the guest does not import devices',
    'guest-driver/a.ts',
    "export { x } from '../devices/plugin/index.ts';",
  ],
  [
    'the plugin interface knows no device',
    'devices/plugin/a.ts',
    "export * from '../smmuv3/index.ts';",
  ],
  [
    'boards do not import what tests devices',
    'vmm/boards/toy/a.ts',
    "import { FakeHost } from '../../../devices/testing/index.ts';\nnew FakeHost();",
  ],
  [
    'not even its types are imported',
    'devices/cmdqv/a.ts',
    "export type { DeviceFactory } from '../testing/index.ts';",
  ],
  [
    'devices do not import the kernel of a host',
    'devices/cmdqv/a.ts',
    "import { x } from '../../host/kernel/index.ts';\nx();",
  ],
  [
    'devices do not import even a type of vmm',
    'devices/cmdqv/a.ts',
    "import type { X } from '../../vmm/nested/vm-host.ts';\nexport const x = {} as X;",
  ],
  [
    'devices do not import vmm later on',
    'devices/cmdqv/a.ts',
    "export const x = () => import('../../vmm/nested/vm-host.ts');",
  ],
  [
    'devices do not start a worker of vmm',
    'devices/cmdqv/a.ts',
    "export const x = new URL('../../vmm/threads/drain-worker.ts', import.meta.url);",
  ],
  ['devices do not import the package', 'devices/cmdqv/a.ts', "export * from 'vsmmu';"],
  [
    'iommufd knows no hardware',
    'host/iommufd/a.ts',
    "export * from '../../devices/unit/index.ts';",
  ],
  ['iommufd knows no driver', 'host/iommufd/a.ts', "export * from '../kernel/host-error.ts';"],
  ['the host does not import vmm', 'host/kernel/a.ts', "export * from '../../vmm/machine/a.ts';"],
  [
    'the machine knows no SMMU',
    'vmm/machine/a.ts',
    "export * from '../../devices/smmuv3/viommu-backend.ts';",
  ],
  [
    'the machine does not import the host',
    'vmm/machine/a.ts',
    "export * from '../../host/kernel/vm.ts';",
  ],
  ['boards do not import the API', 'vmm/boards/a.ts', "export * from '../api/index.ts';"],
  ['vmm does not import the command', 'vmm/api/a.ts', "export * from '../../cli/main.ts';"],
  [
    'vmm does not import the guest driver',
    'vmm/api/a.ts',
    "export * from '../../guest-driver/index.ts';",
  ],
  ['shipped code imports no test code', 'cli/a.ts', "export * from '../test/support/x.ts';"],
  ['the command imports no page', 'cli/a.ts', "export * from '../demo/demo-page.ts';"],
  ['the page does not import the command', 'demo/a.ts', "export * from '../cli/boot.ts';"],
];

const ALLOWED: readonly (readonly [file: string, source: string])[] = [
  ['assembly/smmu-core/a.ts', "export { x } from '../layout/ste';"],
  [
    'guest-driver/toy/a.ts',
    "export { x } from '../../assembly/layout/ste';\nexport * from '../b';",
  ],
  ['devices/cmdqv/a.ts', "export { x } from '../../assembly/layout/ste.ts';"],
  ['host/kernel/a.ts', "export { x } from '../iommufd/index.ts';"],
  ['vmm/nested/a.ts', "export { x } from '../../host/kernel/index.ts';"],
  ['cli/a.ts', "export { x } from '../vmm/api/index.ts';\nexport * from 'commander';"],
  ['demo/a.ts', "export { x } from 'vsmmu';"],
  ['cli/a.ts', "// import '../test/x.ts';"],
];

describe('check-imports', () => {
  let tree = '';
  const plant = (...files: readonly (readonly [file: string, source: string])[]) => {
    for (const [file, source] of files) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), `${source}\n`);
    }
    return checkImports(tree);
  };

  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'vsmmu-imports-'));
  });
  afterEach(() => rmSync(tree, { recursive: true, force: true }));

  it.each(VIOLATIONS)('%s', (_, file, source) => {
    expect(plant([file, source])).toEqual([expect.stringMatching(`^${file} imports `)]);
  });

  it.each(ALLOWED)('lets %s import a lower room: %s', (file, source) => {
    expect(plant([file, source])).toEqual([]);
  });

  it('finds a circle, of types alone too', () => {
    expect(
      plant(
        ['vmm/api/a.ts', "import type { B } from './b.ts';\nexport type A = B;"],
        ['vmm/api/b.ts', "import type { C } from './c.ts';\nexport type B = C;"],
        ['vmm/api/c.ts', "import type { A } from './a.ts';\nexport type C = A;"],
        ['vmm/api/d.ts', "export * from './a.ts';"],
      ),
    ).toEqual(['vmm/api/a.ts is in an import cycle: vmm/api/a.ts, vmm/api/b.ts, vmm/api/c.ts']);
  });

  it('finds two files of one name, index files apart', () => {
    expect(
      plant(
        ['vmm/api/index.ts', ''],
        ['devices/index.ts', ''],
        ['devices/pl011/registers.ts', ''],
        ['devices/cmdqv/registers.ts', ''],
      ),
    ).toEqual(['devices/pl011/registers.ts has the name of devices/cmdqv/registers.ts']);
  });

  it('reports nothing in the tree', () => {
    expect(checkImports(ROOT)).toEqual([]);
  });
});
