// `deepearth validate`: checks pipeline files without touching any data.

import { ConfigError, DeepEarthError, type ConfigIssue } from '@deepearth/core/errors';
import { plan } from '@deepearth/core/plan';
import { refuseOtherResults } from '@deepearth/runtime/other-results';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../format.ts';
import { loadPipeline } from '../load-pipeline.ts';
import { outputFor } from '../output-for.ts';
import { print, printJson, remark } from '../print.ts';
import { planWarnings } from './plan.ts';
import { reportError } from '../report-error.ts';
import { styleOf } from '../style.ts';

export interface ValidateFlags {
  readonly set?: readonly string[];
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

/** Checks every file, also after one that is wrong. */
export async function validateCommand(
  files: readonly string[],
  { set, output, overwrite = false, json }: ValidateFlags,
): Promise<number> {
  const results: {
    file: string;
    valid: boolean;
    stages?: number;
    issues: readonly Partial<ConfigIssue>[];
    warnings?: readonly string[];
  }[] = [];
  for (const file of files) {
    try {
      const { pipeline, output: configured } = await loadPipeline(file, set);
      const warnings = planWarnings(await plan(pipeline, { survey: false }));
      if (!overwrite) await refuseOtherResults(pipeline, outputFor(file, output, configured));
      results.push({ file, valid: true, stages: pipeline.stages.length, issues: [], warnings });
      if (!json) print(`${styleOf(process.stdout).green('ok')} ${file}: ${plural(pipeline.stages.length, 'stage')}`);
      if (!json)
        for (const warning of warnings) remark(`${styleOf(process.stderr).yellow('warning:')} ${file}: ${warning}`);
    } catch (error) {
      if (!(error instanceof DeepEarthError)) throw error;
      results.push({
        file,
        valid: false,
        issues:
          error instanceof ConfigError
            ? error.issues
            : [{ location: { file }, path: '', message: error.message, remedy: error.remedy }],
      });
      if (!json) await reportError(error);
    }
  }
  if (json) printJson(results);
  return results.every(({ valid }) => valid) ? exitCodes.done : exitCodes.usage;
}
