import { expect, test } from 'vitest';
import { sources } from './codec-kernel.generated.ts';

const { sourceDigest } = (await import(new URL('../../wasm/build.mjs', import.meta.url).href)) as {
  sourceDigest(): string;
};

test('the kernel was made of the sources that lie beside it', () => {
  expect(sources).toBe(sourceDigest());
});
