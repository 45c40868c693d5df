import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
}

test('npm runs no install script of onnxruntime-node (docs/decisions/534-no-cuda-files-at-install.md)', () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as Lock;
  const entries = Object.entries(lock.packages).filter(([path]) => path.endsWith('node_modules/onnxruntime-node'));
  expect(entries).toHaveLength(1);
  expect(entries.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([]);
});
