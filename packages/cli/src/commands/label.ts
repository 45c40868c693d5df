// `deepearth label`: gives the tokens of runs the labels that were marked in the explorer.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { definePipeline, use } from '@deepearth/core/pipeline';
import { geotiffSink } from '@deepearth/eo/geotiff/sink';
import { tokens as tokenPictures } from '@deepearth/renderers/tokens';
import { run } from '@deepearth/runtime/run';
import { directionsPath } from '@deepearth/sinks/explorer/bundle-index';
import { toComponents } from '@deepearth/sinks/explorer/label-model';
import { features as featureFiles } from '@deepearth/sinks/features';
import { pictures } from '@deepearth/sinks/pictures';
import { table } from '@deepearth/sinks/table';
import { features } from '@deepearth/sources/features';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { tokensOrBundle } from '../explore/what-to-show.ts';
import { plural } from '../format.ts';
import { bundleTokens, readIndex } from '../label/bundle-tokens.ts';
import { readLabels, type Labels } from '../label/labels-file.ts';
import { labelsStage, placedStage, probabilitiesStage } from '../label/label-stages.ts';
import { print, remark, warn } from '../print.ts';
import { builtinStages } from '../registry.ts';
import { stepProgress } from '../step-progress.ts';
import { cliVersions } from '../versions.ts';

/** What is labelled. */
type Source = Awaited<ReturnType<typeof tokensOrBundle>>;

export interface LabelFlags {
  readonly output?: string;
  readonly overwrite?: boolean;
}

export async function labelCommand(file: string, outputs: readonly string[], flags: LabelFlags): Promise<number> {
  const labels = await readLabels(file);
  const named = await Promise.all(
    outputs.map(async (path) => ({ path, shown: await tokensOrBundle(path), target: targetOf(path, outputs, flags) })),
  );
  const twice = named.find(({ target }, i) => named.findIndex((other) => other.target === target) !== i);
  if (twice)
    throw new DeepEarthError(`the labels of two of these would both go to ${twice.target}.`, {
      code: 'E_USAGE',
      remedy: 'Label them in calls of their own, each with its --output.',
    });
  return cancellable(
    async ({ signal }) => {
      let skipped = 0;
      for (const { path, shown, target } of named) {
        const made = await labelRun(labels, shown, target, flags.overwrite ?? false, signal);
        skipped += made.skipped;
        print(`${path}: ${plural(made.grids, 'clip')} labelled, in ${target}`);
      }
      return skipped > 0 ? exitCodes.skipped : exitCodes.done;
    },
    { stopped: 'Stopped; the same command goes on.' },
  );
}

/** Inside the run; inside of --output where that is given, by the name of the run where there are several. */
function targetOf(path: string, outputs: readonly string[], { output }: LabelFlags): string {
  if (output === undefined) {
    if (/\.(safetensors|pt)$/.test(path))
      throw new DeepEarthError(`${path} is a file, which has no room for labels.`, {
        code: 'E_USAGE',
        remedy: 'Name a folder with --output.',
      });
    return resolve(path, 'labels');
  }
  return outputs.length > 1 ? resolve(output, basename(resolve(path))) : resolve(output);
}

async function labelRun(labels: Labels, shown: Source, output: string, overwrite: boolean, signal: AbortSignal) {
  const { name, options, source } = await inputOf(labels, shown);
  const pipeline = definePipeline(
    [
      source,
      use(labelsStage, options, { id: 'labels', from: 'tokens', onError: 'fail' }),
      use(probabilitiesStage, options, { id: 'probabilities', from: 'tokens', onError: 'fail' }),
      use(featureFiles, { format: 'npy' }, { id: 'label-files', from: 'labels' }),
      use(featureFiles, { format: 'npy' }, { id: 'probability-files', from: 'probabilities' }),
      use(table, { name: 'shares' }, { id: 'shares', from: 'labels' }),
      use(tokenPictures, { layer: 'labels', legend: true }, { id: 'drawn', from: 'labels' }),
      use(pictures, { directory: 'maps' }, { id: 'maps', from: 'drawn' }),
      use(placedStage, {}, { id: 'placed-labels', from: 'labels' }),
      use(placedStage, {}, { id: 'placed-probabilities', from: 'probabilities' }),
      use(geotiffSink, {}, { id: 'rasters', from: ['placed-labels', 'placed-probabilities'] }),
    ],
    { name: `labels of ${name}` },
  );
  const progress = stepProgress();
  let grids = 0;
  let skipped = 0;
  try {
    const running = run(pipeline, {
      output,
      signal,
      overwrite,
      registry: builtinStages(),
      versions: cliVersions(),
    });
    running.events$.subscribe({
      next: (event) => {
        if (event.type === 'progress') progress.report(event.step, event.done, event.total);
        else if (event.type === 'warning') warn(event.message);
        else if (event.type === 'skipped') {
          skipped++;
          warn(`${event.item} was left out: ${event.message}`);
        }
      },
      error: () => undefined, // It is thrown below.
    });
    running.items$('labels').subscribe({ next: () => grids++, error: () => undefined });
    await running.end;
  } finally {
    progress.close();
  }
  return { grids, skipped };
}

/** The tokens as the encoder made them; where a run kept none of them, those of its bundle. */
async function inputOf({ encoder, labels, model }: Labels, shown: Source) {
  const common = {
    labels: [...labels],
    bias: [...model.bias],
    fingerprint: encoder.fingerprint,
    encoder: encoder.name,
  };
  const whole = model.weights.map((weights) => [...weights]);
  if (!('bundle' in shown))
    return {
      name: shown.name,
      source: use(features, { path: shown.tokens }, { id: 'tokens', onError: 'skip' }),
      options: { ...common, weights: whole, length: 'one' as const },
    };
  const { bundle } = shown;
  const path = join(bundle, directionsPath);
  const { name, code } = await readIndex(bundle);
  if (!existsSync(path))
    throw new InputError(bundle, `has no ${directionsPath}: an earlier version made it.`, {
      code: 'E_BUNDLE',
      remedy: 'Make it anew, or keep tokens with sink/features.',
    });
  remark(`${bundle}: its run kept no tokens but those of the page, which are labelled: ${code.bytes} bytes each.`);
  const bytes = await readFile(path);
  const directions = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  if (model.weights[0]!.length !== code.channels)
    throw new InputError(
      bundle,
      `its tokens had ${code.channels} channels, and the labels are for ${model.weights[0]!.length}.`,
      {
        code: 'E_ENCODER',
        remedy: 'Mark tokens in a run of this encoder.',
      },
    );
  return {
    name,
    source: use(bundleTokens, { bundle: resolve(bundle) }, { id: 'tokens' }),
    options: {
      ...common,
      weights: whole.map((weights) => [...toComponents(weights, directions)]),
      length: 'own' as const,
    },
  };
}
