// Says which values of a mask mark pixels that do not count.

import { z } from 'zod';
import type { Samples } from './samples.ts';

/** What an option named `mask` says of values; a pixel does not count where one of them applies. */
export const maskRuleOptions = {
  invalid: z
    .array(z.number())
    .min(1)
    .optional()
    .describe('Values that mark pixels which do not count: classes, as those of SCL of Sentinel-2.'),
  bits: z
    .array(z.number().int().min(0).max(31))
    .min(1)
    .optional()
    .describe(
      'Bits, from 0 for the lowest, each of which marks pixels that do not count: [1, 2, 3, 4] for clouds and shadows in QA_PIXEL of Landsat.',
    ),
  above: z
    .number()
    .optional()
    .describe(
      'Pixels with a greater value, or NaN, do not count: 0.4 for the cloud probability of s2cloudless, 40 where it is in percent.',
    ),
  below: z.number().optional().describe('Pixels with a lesser value, or NaN, do not count.'),
} as const;

/** Which values mark pixels that do not count. */
export interface MaskRule {
  readonly invalid?: readonly number[] | undefined;
  readonly bits?: readonly number[] | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

/** Whether a rule says anything. */
export const hasRule = ({ invalid, bits, above, below }: MaskRule): boolean =>
  invalid !== undefined || bits !== undefined || above !== undefined || below !== undefined;

/** The rule alone, without what stands beside it in an option. */
export const ruleOf = ({ invalid, bits, above, below }: MaskRule): MaskRule => ({
  ...(invalid && { invalid: [...invalid] }),
  ...(bits && { bits: [...bits] }),
  ...(above !== undefined && { above }),
  ...(below !== undefined && { below }),
});

/** 0 where a value marks a pixel that does not count, else 1; `undefined` where all count. */
export function countingPixels(values: Samples, rule: MaskRule): Uint8Array | undefined {
  const listed = new Set(rule.invalid);
  const bits = (rule.bits ?? []).reduce((all, bit) => all | (1 << bit), 0);
  const { above = Infinity, below = -Infinity } = rule;
  const bounded = rule.above !== undefined || rule.below !== undefined;
  const valid = new Uint8Array(values.length);
  let whole = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (listed.has(value) || (value & bits) !== 0 || value > above || value < below || (bounded && value !== value))
      whole = false;
    else valid[i] = 1;
  }
  return whole ? undefined : valid;
}
