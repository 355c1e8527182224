// SPDX-License-Identifier: MIT
// scripts/check-spdx.mjs on a small tree: which files need the line, and its position.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkSpdx } from '../../scripts/check-spdx.mjs';

const ID = 'SPDX-License-Identifier: MIT';

let root: string;
const plant = (files: Readonly<Record<string, string>>) => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
};
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vsmmu-spdx-'));
  plant({
    'package.json': '{ "license": "MIT" }',
    '.gitignore': '# Made.\nnode_modules/\n*.wasm\n!docs/a.wasm\nassembly/made.ts\n',
  });
});
afterEach(() => rmSync(root, { recursive: true }));

it.each([
  ['devices/a.ts', '// A device.\n', `// ${ID}\n// A device.\n`],
  ['devices/b.ts', "import './a.ts';\n", `// ${ID}\n\nimport './a.ts';\n`],
  ['devices/empty.ts', '', `// ${ID}\n`],
  ['scripts/a.mjs', '#!/usr/bin/env node\n// It\n', `#!/usr/bin/env node\n// ${ID}\n// It\n`],
  ['.ci/run', '#!/usr/bin/env bash\n# All\n', `#!/usr/bin/env bash\n# ${ID}\n# All\n`],
  ['linux/a.sh', 'set -e\n', `# ${ID}\n\nset -e\n`],
  ['demo/a.css', '/* A look. */\n', `/* ${ID} */\n/* A look. */\n`],
  ['demo/a.html', '<!doctype html>\n<p>\n', `<!doctype html>\n<!-- ${ID} -->\n<p>\n`],
  ['docs/models/a.pml', '/*\n * Sync.\n */\n', `/* ${ID} */\n/*\n * Sync.\n */\n`],
  ['test/a.S', '.text\n', `// ${ID}\n\n.text\n`],
])('%s needs it, and gets it once', (path, before, after) => {
  plant({ [path]: before });
  expect(checkSpdx(root)).toEqual([`${path} has no line "${ID}" at its beginning`]);
  expect(textOf(path), 'without fix').toBe(before);
  expect(checkSpdx(root, true)).toEqual([]);
  expect(textOf(path)).toBe(after);
  expect(checkSpdx(root)).toEqual([]);
  expect(checkSpdx(root, true)).toEqual([]);
  expect(textOf(path), 'fixed twice').toBe(after);
});

it.each([
  'templates/c/guest.c',
  'docs/examples/guest.c',
  'node_modules/a/a.js',
  'demo/node_modules/a.js',
  'assembly/made.ts',
  '.git/hooks/a.sh',
  'docs/page.md',
  'devices/data.json',
  'LICENSE',
])('%s needs none', (path) => {
  plant({ [path]: 'text\n' });
  expect(checkSpdx(root, true)).toEqual([]);
  expect(textOf(path)).toBe('text\n');
});

it('another licence is reported and kept; a line further down does not count', () => {
  const later = `// A device.\n// ${ID}\n`;
  plant({ 'a.ts': '// SPDX-License-Identifier: ISC\n', 'b.ts': later });
  expect(checkSpdx(root)).toEqual([
    'a.ts states the licence ISC, not MIT',
    `b.ts has no line "${ID}" at its beginning`,
  ]);
  expect(checkSpdx(root, true)).toEqual(['a.ts states the licence ISC, not MIT']);
  expect(textOf('a.ts')).toBe('// SPDX-License-Identifier: ISC\n');
});
