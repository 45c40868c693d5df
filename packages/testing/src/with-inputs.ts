// Gives the specs of a subject's inputs, for checks that need no items.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamSpec } from '@deepearth/core/specs';
import type { Subject } from './subject.ts';

export async function withInputs<T>(subject: Subject, work: (specs: readonly StreamSpec[]) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'deepearth-conformance-'));
  try {
    return await work(((await subject.inputs?.(folder)) ?? []).map(({ spec }) => spec));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
