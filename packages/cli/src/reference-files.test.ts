import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { deepearth } from './testing/spawn.ts';

const references = fileURLToPath(new URL('../../../../shared/reference', import.meta.url));
const noReferences = !existsSync(references);

describe('files of PyTorch', () => {
  it.skipIf(noReferences)(
    'returns what the reference says of a file of PyTorch, and refuses a hostile one (needs ../shared/reference)',
    async () => {
      const expected = JSON.parse(await readFile(join(references, 'pt/expected.json'), 'utf8')) as {
        files: Record<string, { holds: unknown }>;
      };
      const { stdout } = await deepearth(['inspect', join(references, 'pt/extractor_window.pt'), '--json', '--digest']);
      expect(JSON.parse(stdout)).toMatchObject({ holds: expected.files['extractor_window.pt']!.holds });
      const hostile = await deepearth(['inspect', join(references, 'pt/hostile/os_system.pt')]);
      expect([hostile.status, hostile.stderr]).toEqual([1, expect.stringContaining('os.system')]);
    },
  );

  it.skipIf(noReferences)(
    'checks a folder of reference outputs, and ends with 1 past the tolerance (needs ../shared/reference)',
    async () => {
      const folder = join(references, 'vjepa2/v2-hd80');
      const good = await deepearth(['model', 'check', folder, '--json']);
      expect(JSON.parse(good.stdout)).toMatchObject({
        passed: true,
        cases: expect.arrayContaining([
          expect.objectContaining({
            expected: 'last_hidden_state',
            passed: true,
            relativeError: expect.any(Number),
            smallestCosine: expect.any(Number),
          }),
        ]),
      });
      expect(good.status).toBe(0);
      const strict = await deepearth(['model', 'check', folder, '--tolerance', '1e-12']);
      expect([strict.status, strict.stdout]).toEqual([1, expect.stringContaining('FAIL')]);
    },
  );
});
