// Tests a stage against every law a stage keeps: one vitest test each.

import type { Item } from '@deepearth/core/items';
import type { StageDefinition } from '@deepearth/core/stage';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { checksFor } from './conformance.ts';
import type { Subject } from './subject.ts';

/**
 * Declares the conformance tests of a stage. Call it at the top of the stage's test file, once for each way of using
 * the stage that differs in kind (`title` tells them apart).
 */
export function describeStage<S extends z.ZodType, Out extends Item>(
  definition: StageDefinition<S, any, Out, any, any>,
  subject: Subject<S, Out> & { readonly title?: string } = {},
): void {
  const { title, ...rest } = subject;
  const told = rest as Subject;
  describe(`${definition.type}${title ? ` ${title}` : ''} keeps the laws of a stage`, () => {
    for (const check of checksFor(definition, told)) {
      test(check.title, { timeout: 1000 * 6 * (told.patienceSeconds ?? 20) }, async () => {
        expect(await check.find(definition, told)).toEqual([]);
      });
    }
  });
}
