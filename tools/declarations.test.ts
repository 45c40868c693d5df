// The declarations of all packages, as a program under `strict` gets them: with Node's types, without the DOM library,
// and with nothing left unchecked.

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Everything that can be imported: `@deepearth/formats`, `@deepearth/formats/npy`, … */
const exported = readdirSync(join(root, 'packages')).flatMap((name) => {
  const { exports } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types?: string }>;
  };
  return Object.entries(exports).flatMap(([subpath, entry]) =>
    typeof entry === 'object' && entry.types ? [`@deepearth/${name}${subpath.slice(1)}`] : [],
  );
});

test('have no errors in a program without the DOM library, nor in what they lead to', { timeout: 600_000 }, () => {
  expect(exported.length).toBeGreaterThan(100);
  const folder = mkdtempSync(join(tmpdir(), 'declarations-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
    const file = join(folder, 'program.ts');
    const imports = exported.map((name, index) => `import type * as module${index} from '${name}';`);
    const all = exported.map((_, index) => `typeof module${index}`).join(', ');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(file, `${imports.join('\n')}\nexport type All = [${all}];\n`);
    const program = ts.createProgram([file], {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2023.d.ts'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    });
    const said = ts.getPreEmitDiagnostics(program).map(({ file: where, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, ' ');
      return `${where?.fileName.replace(`${root}/`, '') ?? ''}: ${text}`;
    });
    expect(said).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
