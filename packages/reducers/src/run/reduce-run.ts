// Reduces a stream of token grids with one fit and one set of colour limits over the whole run.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity, Projection, TokenGrid } from '@deepearth/core/items';
import type { StageContext } from '@deepearth/core/stage';
import { tensor } from '@deepearth/core/tensor';
import { findLimits, type Scaling } from '../colours/limits.ts';
import { loadModel } from '../models/model-file-node.ts';
import { checkEncoder, encodeModel } from '../models/model-file.ts';
import type { FittedReducer, Limits } from '../models/model.ts';
import { evenColours } from '../colours/oklab.ts';
import { openModel } from '../models/open-model.ts';
import { runSliced } from '../shared/pace.ts';
import { projectionSpool, spreadRows } from '../tokens/projection-spool.ts';
import { restoreReducer } from '../models/restore.ts';
import { tokenSpool, validRows, type Precision, type Spool } from '../tokens/spool.ts';

/** Options that every stage on top of `reduceRun` has. */
export interface RunOptions extends Scaling {
  readonly lightness?: 'keep' | 'even';
  readonly model?: string | undefined;
  readonly saveAs?: string | undefined;
  readonly spool: Precision;
}

/** What a run needs of a fitted reducer; one without a state cannot be saved. */
export type RunModel = Pick<FittedReducer, 'components' | 'transform' | 'meaning' | 'close'> &
  Partial<Pick<FittedReducer, 'state'>>;

/** A fit to what was spooled. */
export interface RunFit {
  readonly model: RunModel;
  /** Where colours do not follow from the values: labels go from 0 to the number of groups less one. */
  readonly limits?: Limits;
  /**
   * Components of the valid tokens of grid `index`, `[rows, components]`, where they do not follow from each token
   * alone.
   */
  place?(index: number): Promise<Float32Array>;
  /**
   * Where a method places the tokens it was fitted to better than `transform` would: their rows within grid `index`,
   * ascending, and their components.
   */
  known?(index: number): { readonly rows: ArrayLike<number>; readonly values: Float32Array } | undefined;
}

/** What a reducer adds to the common course of things. */
export interface RunFitter {
  /** Sees the valid tokens of every grid as they come, `[rows, channels]`. */
  see?(rows: Float32Array, channels: number): Promise<void>;
  /** Fits once all have come; there is at least one valid token. */
  fit(spool: Spool): Promise<RunFit>;
  /** The same fit from the model that a former run saved; absent where the model alone is all of it. */
  resume?(spool: Spool, model: FittedReducer): RunFit;
  /** Always runs. */
  close?(): Promise<void>;
}

export type RunContext = Pick<
  StageContext<RunOptions>,
  | 'options'
  | 'inputs'
  | 'signal'
  | 'log'
  | 'output'
  | 'former'
  | 'workFolder'
  | 'progress'
  | 'recordInput'
  | 'attempt'
  | 'key'
>;

/**
 * The body of a reducer stage that fits: spools, fits, transforms, finds limits, and only then lets projections go.
 * With `model` it transforms grid by grid and nothing waits. No grids: no projections.
 */
export async function* reduceRun(
  items: AsyncIterable<TokenGrid>,
  context: RunContext,
  name: string,
  fitter: () => RunFitter,
): AsyncGenerator<Projection> {
  if (context.options.model !== undefined) yield* transformRun(items, context, name, context.options.model);
  else yield* fitRun(items, context, name, fitter());
}

async function* fitRun(
  items: AsyncIterable<TokenGrid>,
  context: RunContext,
  name: string,
  fitter: RunFitter,
): AsyncGenerator<Projection> {
  const { options, signal } = context;
  const folder = await context.workFolder();
  const spool = await tokenSpool(folder, options.spool, signal);
  const projections = await projectionSpool(folder, signal);
  const expected = context.inputs[0]?.spec.count ?? null;
  let fit: RunFit | undefined;
  try {
    for await (const grid of items) {
      const rows = await context.attempt(grid, () => spool.append(grid));
      if (rows) await fitter.see?.(rows.rows, spool.channels);
      context.progress('collect', spool.grids.length, expected);
    }
    if (spool.grids.length === 0) return;
    const fitKey = context.key(...spool.grids.map(({ item }) => item.key));
    const encoder = spool.grids[0]!.item.encoder;
    const former = options.saveAs === undefined ? undefined : await context.former.find(fitKey);
    if (spool.rows > 0)
      fit = former === undefined ? await fitter.fit(spool) : await resumed(former, spool, fitter, encoder);
    const components = fit?.model.components ?? 3;
    if (!fit)
      context.log.warn(
        `reducer/${name}: none of the ${spool.grids.length} token grids holds a valid token; their projections are empty.`,
      );

    for (let index = 0; index < spool.grids.length && fit; index++) {
      await projections.append(await place(fit, spool, index, signal));
      context.progress('transform', index + 1, spool.grids.length);
    }
    const limits = !fit
      ? Array.from({ length: components }, () => [0, 1] as const)
      : (fit.limits ?? (await findLimits(() => projections.passes(), components, options)));
    if (options.saveAs !== undefined && fit?.model.state) {
      const bytes = await encodeModel({ state: fit.model.state(), encoder, limits });
      await context.output.write(
        { path: options.saveAs, mediaType: 'application/octet-stream', key: fitKey, holds: fitKey },
        bytes,
      );
    }
    for (const [index, grid] of spool.grids.entries()) {
      const valid = await spool.mask(index);
      const values = fit ? await projections.read(index) : new Float32Array(0);
      yield await projectionOf(grid.item, grid.shape, {
        values,
        valid,
        components,
        limits,
        name,
        meaning: fit?.model.meaning,
        options,
        signal,
        key: context.key(fitKey, grid.item.key),
      });
    }
  } finally {
    await Promise.allSettled([spool.close(), projections.close(), fitter.close?.(), fit?.model.close?.()]);
  }
}

/** The fit that a former run of the same inputs and options saved. */
async function resumed(path: string, spool: Spool, fitter: RunFitter, encoder: EncoderIdentity): Promise<RunFit> {
  const { state, limits } = await loadModel(path, { encoder });
  const model = await restoreReducer(state, path);
  return { limits, ...(fitter.resume?.(spool, model) ?? { model }) };
}

/** Components of one grid's valid tokens: as the fit placed them, or by `transform`. */
async function place(
  { model, known, place: placed }: RunFit,
  spool: Spool,
  index: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  if (placed) return placed(index);
  const fitted = known?.(index);
  const { rows: count } = spool.grids[index]!;
  if (fitted && fitted.rows.length === count) return fitted.values;
  const { rows } = await spool.read(index);
  if (!fitted || fitted.rows.length === 0) return model.transform(rows, signal);
  const { components } = model;
  const { channels } = spool;
  const isKnown = new Uint8Array(count);
  for (let i = 0; i < fitted.rows.length; i++) isKnown[fitted.rows[i]!] = 1;
  const others = new Float32Array((count - fitted.rows.length) * channels);
  let at = 0;
  for (let row = 0; row < count; row++)
    if (!isKnown[row]) others.set(rows.subarray(row * channels, (row + 1) * channels), channels * at++);
  const moved = await model.transform(others, signal);
  const out = new Float32Array(count * components);
  let [nextKnown, nextOther] = [0, 0];
  for (let row = 0; row < count; row++) {
    const [from, index] = isKnown[row] ? [fitted.values, nextKnown++] : [moved, nextOther++];
    out.set(from.subarray(index * components, (index + 1) * components), row * components);
  }
  return out;
}

async function* transformRun(
  items: AsyncIterable<TokenGrid>,
  context: RunContext,
  name: string,
  path: string,
): AsyncGenerator<Projection> {
  const { options, signal } = context;
  const { saved, model, digest } = await openModel(path, context);
  if (saved.state.kind !== name)
    throw new InputError(path, `is a saved ${saved.state.kind}, and this is reducer/${name}.`, {
      remedy: `Use reducer/${saved.state.kind}.`,
    });
  if (saved.limits.length === 0)
    context.log.warn(`${path} holds no colour limits; values from 0 to 1 are taken as colours.`);
  const limits = saved.limits.length ? saved.limits : Array.from({ length: model.components }, () => [0, 1] as const);
  if (options.lightness === 'even' && model.components !== 3)
    throw new InputError(path, `has ${model.components} components; lightness: even takes 3.`);
  let done = 0;
  try {
    for await (const grid of items) {
      const projection = await context.attempt(grid, async () => {
        checkSeen(saved.encoder, grid, model, path);
        const { rows, valid } = await validRows(grid, signal);
        const values = await model.transform(rows, signal);
        return projectionOf(grid, grid.values.shape.slice(0, -1), {
          values,
          valid,
          components: model.components,
          limits,
          name,
          meaning: model.meaning,
          options,
          signal,
          key: context.key(digest, grid.key),
        });
      });
      context.progress('transform', ++done, null);
      if (projection) yield projection;
    }
  } finally {
    await model.close?.();
  }
}

function checkSeen(encoder: EncoderIdentity | undefined, grid: TokenGrid, model: FittedReducer, path: string): void {
  checkEncoder(encoder, grid.encoder, path);
  const channels = grid.values.shape.at(-1);
  if (channels !== model.channels)
    throw new InputError(grid.id, `has tokens of ${channels} numbers, the model ${path} takes ${model.channels}.`);
}

interface Parts {
  readonly values: Float32Array;
  readonly valid: Uint8Array | undefined;
  readonly components: number;
  readonly limits: Limits;
  readonly name: string;
  readonly meaning: Projection['meaning'] | undefined;
  readonly options: Pick<RunOptions, 'lightness'>;
  readonly signal: AbortSignal;
  readonly key: string;
}

/** Makes the item: values spread over the grid, NaN where there is no data. */
async function projectionOf(
  item: Omit<TokenGrid, 'values' | 'valid'>,
  shape: readonly number[],
  parts: Parts,
): Promise<Projection> {
  const {
    valid,
    components,
    limits,
    name,
    meaning = components === 1 ? 'scalar' : 'coordinates',
    options,
    key,
  } = parts;
  const even = options.lightness === 'even' && components === 3;
  const values = even ? await runSliced(evenColours(parts.values, limits), parts.signal) : parts.values;
  return {
    kind: 'projection',
    id: item.id,
    key,
    values: tensor('float32', [...shape, components], spreadRows(values, valid, components)),
    ...(valid ? { valid } : {}),
    limits: even ? limits.map(() => [0, 1] as const) : limits,
    meaning,
    reducer: name,
    clip: item.clip,
    geometry: item.geometry,
  };
}
