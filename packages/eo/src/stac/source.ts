// Reads the assets of STAC items as frames of sequences in time, each with its place on the Earth.

import { defineSource, refuse } from '@deepearth/core';
import { describeSeries } from '../geotiff/describe-series.ts';
import { reopenRaster } from '../geotiff/raster-locator.ts';
import { framesOfSeries } from '../geotiff/raster-series.ts';
import { stacSourceOptions, type StacSourceOptions } from './source-options.ts';
import { surveyStac, type StacSurvey } from './survey.ts';

export { stacSourceOptions, type StacSourceOptions, type StacSurvey };

/** The stage `source/stac`. */
export const stacSource = defineSource({
  type: 'stac',
  summary:
    'Reads the rasters that STAC items name (a saved search, items, a catalog), in order of time, each tile a sequence; frames keep their place on the Earth.',
  options: stacSourceOptions,
  reads: ['items'],
  placement: ['cacheBytes', 'spillBytes', 'timeoutSeconds'],
  examples: [
    '- type: source/stac\n  with: { items: search.json }',
    '- type: source/stac\n  with: { items: search.json, assets: [red, green, blue], stretch: reflectance, maxCloudCover: 40, mask: { asset: scl, invalid: [0, 1, 3, 8, 9, 10] } }',
    '- type: source/stac\n  with: { items: catalog/collection.json, assets: [nir08, red, green], mask: { asset: qa_pixel, bits: [1, 2, 3, 4] }, grid: { bounds: [399960, 5290200, 430680, 5320920], resolution: 30 } }',
  ],

  survey: surveyStac,

  describe(_, { options, survey }) {
    const { assets, grid } = options;
    const keys = survey?.assets ?? (typeof assets === 'string' ? [assets] : assets);
    if (grid?.asset !== undefined && keys && !keys.includes(grid.asset))
      return refuse(
        `\`grid.asset\` names ${JSON.stringify(grid.asset)}, which is not among the assets that are read (${keys.join(', ')}).`,
        {
          option: 'grid',
          remedy: 'Name one of them.',
        },
      );
    return describeSeries(options, survey, survey?.counted ?? '');
  },

  async *process(_, context) {
    const { options, signal, log, recordInput } = context;
    const survey = context.survey ?? (await surveyStac(options, signal));
    log.info(`${survey.counted}, ${survey.order}`);
    for (const input of survey.inputs) recordInput(input);
    yield* framesOfSeries(survey, context);
  },

  reopen: reopenRaster,
});
