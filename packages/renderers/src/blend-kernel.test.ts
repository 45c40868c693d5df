import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const { generated } = (await import(new URL('../wasm/build.mjs', import.meta.url).href)) as {
  generated(): Promise<string>;
};

it('holds the kernel that its source makes', async () => {
  expect(await readFile(new URL('./blend-kernel.generated.ts', import.meta.url), 'utf8')).toBe(await generated());
});
