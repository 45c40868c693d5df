import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '@deepearth/core/errors';
import { openFile } from './file-source-node.ts';
import { inspectFile, inspectionJson } from './inspect.ts';

const reference = new URL('../../../../shared/reference/pt/', import.meta.url);
const expected = existsSync(reference) ? (JSON.parse(readFileSync(new URL('expected.json', reference), 'utf8')) as { files: Record<string, { holds?: unknown }>; hostile: Record<string, { must: string }> }) : undefined;

describe.skipIf(!expected)('reference .pt files (skipped where ../shared/reference is absent)', () => {
  it.each(Object.entries(expected?.files ?? {}))('reads %s', async (name, { holds }) => {
    const source = await openFile(new URL(name, reference).pathname);
    try {
      if (name === 'sparse.pt') await expect(inspectFile(source)).rejects.toThrow('sparse tensor');
      else {
        const found = await inspectFile(source, { digest: true });
        expect(JSON.parse(inspectionJson(found.holds))).toEqual(holds ?? { f8: expect.objectContaining({ dtype: 'torch.float8_e4m3fn', shape: [4] }) });
      }
    } finally {
      await source.close();
    }
  });

  it.each(Object.entries(expected?.hostile ?? {}))('refuses %s by its reason, or does as its description allows', async (name, { must }) => {
    const source = await openFile(new URL(name, reference).pathname);
    try {
      const answer: unknown = await inspectFile(source, { digest: true }).catch((error: unknown) => error);
      if (must === 'refuse or ignore' && !(answer instanceof Error)) expect(answer).toMatchObject({ holds: {} });
      else expect(answer).toBeInstanceOf(InputError);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    } finally {
      await source.close();
    }
  });
});
