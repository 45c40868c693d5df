// Reads a series of GeoTIFFs as frames of a sequence in time, each with its place on the Earth.

import { defineSource, InputError } from '@deepearth/core';
import { describeSeries } from './describe-series.ts';
import { reopenRaster } from './raster-locator.ts';
import { framesOfSeries } from './raster-series.ts';
import { geotiffSourceOptions, type GeoTiffSourceOptions } from './source-options.ts';
import { surveyGeoTiffs, type GeoTiffSurvey } from './survey.ts';

export { geotiffSourceOptions, type GeoTiffSourceOptions, type GeoTiffSurvey };

/** The stage `source/geotiff`. */
export const geotiffSource = defineSource({
  type: 'geotiff',
  summary:
    'Reads a series of GeoTIFFs (files, folders, addresses) in order of time; frames keep their place on the Earth.',
  options: geotiffSourceOptions,
  reads: ['files'],
  placement: ['cacheBytes', 'spillBytes', 'timeoutSeconds'],
  examples: [
    '- type: source/geotiff\n  with: { files: scenes }',
    "- type: source/geotiff\n  with: { files: 'scenes/*.tif', bands: [B04, B03, B02], stretch: reflectance, mask: { band: SCL, invalid: [0, 1, 3, 8, 9, 10] } }",
    "- type: source/geotiff\n  with: { files: 'scenes/*_B4.TIF', mask: { file: { replace: _B4, by: _QA_PIXEL }, bits: [1, 2, 3, 4] } }",
    '- type: source/geotiff\n  with: { files: [2023.tif, 2024.tif], tile: { size: 384, overlap: 96 } }',
  ],

  survey: surveyGeoTiffs,

  describe: (_, { options, survey }) => describeSeries(options, survey, survey ? countedFiles(survey) : ''),

  async *process(_, context) {
    const { options, signal, log } = context;
    const survey = context.survey ?? (await surveyGeoTiffs(options, signal));
    log.info(`${countedFiles(survey)}, ${survey.order}`);
    if (survey.missing && options.gaps === 'error')
      throw new InputError(survey.series[0]!.rasters[0]!.name, `${survey.warnings.at(-1)}.`, {
        code: 'E_GAP',
        remedy: 'Add them, or go on without them with `gaps: warn`.',
      });
    yield* framesOfSeries(survey, context);
  },

  reopen: reopenRaster,
});

function countedFiles({ series: [first] }: GeoTiffSurvey): string {
  const { length } = first!.rasters;
  return `${length} ${length === 1 ? 'file' : 'files'}`;
}
