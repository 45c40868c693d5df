// The commands of the Python scripts: each makes a pipeline of its flags and runs it, or prints it.

import { writeFileSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseConfig } from '@deepearth/runtime/config';
import { extractPipeline, type ExtractFlags } from '../from-python/extract.ts';
import { parallelPipeline, type ParallelFlags } from '../from-python/parallel.ts';
import { idleFlags, pipelinePipeline, type PipelineFlags } from '../from-python/pipeline.ts';
import { pipelineYaml, type PipelineFile } from '../from-python/pipeline-file.ts';
import { chooseDate, dateFile, type RunDate } from '../from-python/run-date.ts';
import { sequencePipeline, type SequenceFlags } from '../from-python/sequence.ts';
import { visualizePipeline, type VisualizeFlags } from '../from-python/visualize.ts';
import { exitCodes } from '../exit-codes.ts';
import { print, warn } from '../print.ts';
import { builtinStages } from '../registry.ts';
import { commandName, quote } from '../shell.ts';
import { runLoaded } from './run.ts';

/** What all of them take. */
export interface PythonFlags {
  readonly date?: string;
  readonly printConfig?: boolean;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

async function runPython(
  outputDir: string,
  make: (date: RunDate) => PipelineFile,
  flags: PythonFlags,
): Promise<number> {
  const output = resolve(outputDir);
  const resume = flags.resume ?? false;
  const date = await chooseDate({
    date: flags.date,
    env: process.env,
    resumed: resume ? output : undefined,
    now: new Date(),
  });
  const file = make(date);
  const yaml = pipelineYaml(file);
  if (flags.printConfig) {
    print(yaml.trimEnd());
    return exitCodes.done;
  }
  // The text that --print-config prints is what runs.
  const loaded = await parseConfig(yaml, `deepearth ${file.name} --print-config`, { registry: builtinStages() });
  const words = process.argv.slice(2).filter((word) => word !== '--no-resume' && word !== '--no_resume');
  const resumes = ['sequence', 'pipeline'].includes(file.name) && !words.includes('--resume');
  const again = [commandName(), ...words.map(quote), ...(resumes ? ['--resume'] : [])];
  const status = await runLoaded(loaded, {
    output,
    resume,
    overwrite: flags.overwrite,
    json: flags.json,
    again: again.join(' '),
    started: () => noteDate(output, date),
  });
  if (status === exitCodes.done || status === exitCodes.skipped) await forgetDate(output);
  return status;
}

/** Keeps the date for a run that is killed; where it cannot be written, so can nothing else, and the run says so. */
function noteDate(output: string, { iso }: RunDate): void {
  try {
    writeFileSync(dateFile(output), iso);
  } catch {}
}

/** The manifest has the date now. */
async function forgetDate(output: string): Promise<void> {
  const file = dateFile(output);
  await rm(file, { force: true });
  // Fails where something else is kept there.
  await rmdir(dirname(file)).catch(() => undefined);
}

export const extractCommand = (flags: ExtractFlags & PythonFlags): Promise<number> =>
  runPython(flags.outputDir, (date) => extractPipeline(flags, date), flags);

export const sequenceCommand = (flags: SequenceFlags & PythonFlags): Promise<number> =>
  runPython(flags.outputDir, (date) => sequencePipeline(flags, date), flags);

export function pipelineCommand(flags: PipelineFlags & PythonFlags): Promise<number> {
  const idle = idleFlags(flags);
  if (idle.length) warn(`${idle.join(', ')}: no video is made without --video-animation.`);
  return runPython(flags.outputDir, (date) => pipelinePipeline(flags, date), flags);
}

export const visualizeCommand = (features: string, flags: VisualizeFlags & PythonFlags): Promise<number> =>
  runPython(flags.outputDir, () => visualizePipeline(features, flags), flags);

export const parallelCommand = (
  images: string,
  output: string,
  count: string,
  chunk: string,
  flags: ParallelFlags & PythonFlags,
): Promise<number> => runPython(output, (date) => parallelPipeline(images, output, count, chunk, flags, date), flags);
