// For reductions that are fitted to a sample of the tokens.

import {
  mergeSamples,
  packSample,
  sampleCollector,
  unpackSample,
  type SampleContent,
  type SampleLimits,
} from '../tokens/sample.ts';
import type { Reduction } from './reduction.ts';

/** Parts that hold the sample of their range; `limits` says which tokens it is made of. */
export const samplePart = <Options>(
  limits: (options: Options) => SampleLimits,
): Pick<Reduction<Options, SampleContent>, 'partial' | 'merge' | 'pack' | 'unpack'> => ({
  partial: (beginning, options) => sampleCollector(beginning, limits(options)),
  merge: async (parts, options) => mergeSamples(parts, limits(options)),
  pack: packSample,
  unpack: unpackSample,
});
