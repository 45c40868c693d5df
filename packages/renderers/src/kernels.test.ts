import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const { kernels, generated } = (await import(new URL('../wasm/build.mjs', import.meta.url).href)) as {
  kernels: string[];
  generated(name: string): Promise<string>;
};

it.each(kernels)('holds the kernel %s that its source makes', async (name) => {
  const file = new URL(`./${name}-kernel.generated.ts`, import.meta.url);
  expect(await readFile(file, 'utf8')).toBe(await generated(name));
});
