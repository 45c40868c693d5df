import { expect, test } from 'vitest';
import { sources } from './codec-kernel.generated.ts';
// @ts-expect-error a script without types
import { sourceDigest } from '../../wasm/build.mjs';

test('the kernel was made of the sources that lie beside it', () => {
  expect(sources).toBe((sourceDigest as () => string)());
});
