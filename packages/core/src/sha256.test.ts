import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableSha256, sha256Of } from './sha256.ts';

describe('SHA-256', () => {
  it('is the same in JavaScript and in the platform, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), async (chunks) => {
        const hash = createHash('sha256');
        const portable = portableSha256();
        for (const chunk of chunks) {
          hash.update(chunk);
          portable.update(chunk);
        }
        const expected = hash.digest('hex');
        expect(portable.digest('hex')).toBe(expected);
        expect(await sha256Of(chunks)).toBe(expected);
      }),
    );
  });
});
