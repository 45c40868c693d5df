// Reduces a stream of token grids with one fit and one set of colour limits over the whole run.

import { InputError } from '@deepearth/core/errors';
import { itemShelf } from '@deepearth/core/item-shelf';
import type { Embedding, EncoderIdentity, Projection, TokenGrid } from '@deepearth/core/items';
import { totalCount } from '@deepearth/core/one-stream';
import type { StageContext } from '@deepearth/core/stage';
import { tensor } from '@deepearth/core/tensor';
import { readTokenFile } from '@deepearth/formats/token-file';
import { defaultScaling, findLimits, type Scaling } from '../colours/limits.ts';
import { evenColours } from '../colours/oklab.ts';
import { checkEncoder, encodeModel, readModel } from '../models/model-file.ts';
import type { FittedReducer, Limits } from '../models/model.ts';
import { openModel } from '../models/open-model.ts';
import { runSliced } from '../shared/pace.ts';
import { asTokens } from '../tokens/as-tokens.ts';
import { projectionSpool, spreadRows, type ProjectionSpool } from '../tokens/projection-spool.ts';
import { tokenSpool, tokenStore, validRows, type Precision, type Spool } from '../tokens/spool.ts';
import { buildPart, fitPart, type PartBuilder } from './parts.ts';
import type { GridRows, SeenGrid } from '../tokens/grid-rows.ts';
import { findingsOf } from './findings.ts';
import { placedValues, readyFit } from './ready-fit.ts';
import type { Fitted, Reduction } from './reduction.ts';
import { restoreReducer } from './reductions.ts';
import { namesOf, spoolName } from './stage-options.ts';

/** Options that every stage on top of `reduceRun` has. */
export interface RunOptions extends Partial<Scaling> {
  readonly lightness?: 'keep' | 'even';
  readonly model?: string | undefined;
  readonly saveAs?: string | undefined;
  readonly spool: Precision;
}

export type RunContext = StageContext<RunOptions>;

/**
 * The body of a reducer stage that fits: spools, fits, transforms, finds limits, and only then lets projections go.
 * With `model` it transforms grid by grid and nothing waits. No grids: no projections. `name` is that of projections.
 */
export async function* reduceRun(
  items: AsyncIterable<TokenGrid | Embedding>,
  context: RunContext,
  reduction: Reduction,
  name = reduction.name,
): AsyncGenerator<Projection> {
  if (context.options.model !== undefined) yield* transformRun(items, context, name, context.options.model);
  else yield* fitRun(items, context, reduction, name);
}

/** The tokens of the stream that comes in, kept once for all reducers of the run that take it as precisely. */
export async function spoolOf({ inputs, options, share, scratch, signal }: RunContext): Promise<Spool> {
  const store = await share(
    spoolName(namesOf(inputs), options.spool),
    async (room) => tokenStore(await room.scratch('tokens'), options.spool),
    () => undefined,
  );
  return tokenSpool(store, itemShelf(await scratch('grids')), signal);
}

/** The options of a stage that are its reduction's. */
export const ownOptions = (reduction: Reduction, options: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).filter(([option]) => option in reduction.options.shape));

/** A grid's place in the spool, for those that see its tokens. */
export const seenGrid = ({ id, shape, axes }: Spool['grids'][number], index: number): SeenGrid => ({
  id,
  index,
  shape,
  axes,
});

async function* fitRun(
  items: AsyncIterable<TokenGrid | Embedding>,
  context: RunContext,
  reduction: Reduction,
  name: string,
): AsyncGenerator<Projection> {
  const { options, signal } = context;
  const own = ownOptions(reduction, options);
  const spool = await spoolOf(context);
  const projections = projectionSpool(await context.scratch('projections'), signal);
  const expected = totalCount(context.inputs);
  const findings = findingsOf(context);
  const collected: { part?: PartBuilder } = {};
  let model: Fitted | undefined;
  // What shards have made holds as long as the same grids come in the same order.
  const ready = await readyFit(context);
  const early = ready && placedSpool(projectionSpool(await context.scratch('placed'), signal));
  let follows = ready !== undefined;
  const see = async (tokens: GridRows, index: number): Promise<void> => {
    collected.part ??= buildPart(reduction, { channels: spool.channels, encoder: spool.encoder! }, own, { signal });
    await collected.part.see(tokens, seenGrid(spool.grids[index]!, index));
    spool.release(tokens);
  };
  const refit = async (): Promise<void> => {
    follows = false;
    for (let index = 0; index < spool.grids.length; index++) await see(await spool.unrounded(index), index);
  };
  try {
    for await (const grid of items) {
      const at = spool.grids.length;
      const same = follows && ready!.keys[at] === grid.key;
      if (follows && !same) await refit();
      const placed = same ? await placedValues(context, ready!.placed(grid.key)) : undefined;
      const tokens = await context.attempt(grid, () =>
        spool.append(asTokens(grid), same ? againOf(context, grid) : undefined),
      );
      if (tokens && same && placed) await early!.put(at, placed);
      else if (tokens && !same) await see(tokens, at);
      context.progress('collect', spool.grids.length, expected);
    }
    if (follows && spool.grids.length !== ready!.keys.length) await refit();
    if (spool.grids.length === 0) return;
    const fitKey = context.key(spool.grids.map(({ key }) => key));
    const encoder = spool.encoder!;
    const former = options.saveAs === undefined ? undefined : await resumed(context, fitKey, encoder);
    if (former) model = former.model;
    else if (follows) model = ready!.model;
    else if (spool.rows > 0)
      model = await fitPart(reduction, await collected.part!.finish(spool), own, {
        signal,
        progress: context.progress,
      });
    const components = model?.components ?? reduction.components(own, spool.channels);
    if (!model)
      context.log.warn(
        `reducer/${name}: none of the ${spool.grids.length} token grids holds a valid token; their projections are empty.`,
      );

    let values: Float32Array | undefined;
    for (let index = 0; index < spool.grids.length && model; index++) {
      values = (follows && (await early!.take(index))) || (await place(model, spool, index, signal, values));
      findings.see(values, model);
      await projections.append(values);
      context.progress('transform', index + 1, spool.grids.length);
    }
    const limits = !model
      ? Array.from({ length: components }, () => [0, 1] as const)
      : (former?.limits ??
        model.limits ??
        (await findLimits(() => projections.passes(), components, { ...defaultScaling, ...options })));
    if (model) findings.record(model, limits);
    if (options.saveAs !== undefined && model?.state) {
      const bytes = await encodeModel({ state: model.state(), encoder, limits });
      await context.output.write(
        { path: options.saveAs, mediaType: 'application/octet-stream', key: fitKey, holds: fitKey },
        bytes,
      );
    }
    for (const [index, { key, shape }] of spool.grids.entries()) {
      const valid = await spool.mask(index);
      const values = model ? await projections.read(index) : new Float32Array(0);
      yield await projectionOf(await spool.item(index), shape, {
        values,
        valid,
        components,
        limits,
        name,
        meaning: model?.meaning,
        options,
        signal,
        key: context.key(fitKey, key),
      });
    }
  } finally {
    await Promise.allSettled([collected.part?.close(), model?.close?.(), ready?.model.close?.()]);
  }
}

/** Projections of some grids on disk. */
function placedSpool(spool: ProjectionSpool) {
  const places = new Map<number, number>();
  return {
    async put(grid: number, values: Float32Array): Promise<void> {
      await spool.append(values);
      places.set(grid, places.size);
    },
    async take(grid: number): Promise<Float32Array | undefined> {
      const place = places.get(grid);
      return place === undefined ? undefined : spool.read(place);
    },
  };
}

/** A grid whose tokens a shard has kept, once more. Throws an `InputError` where it is gone. */
function againOf(context: RunContext, grid: TokenGrid | Embedding): () => Promise<TokenGrid> {
  const { values: _values, valid: _valid, clip: _clip, ...item } = asTokens(grid);
  return () => storedTokens(context, item);
}

async function storedTokens(
  { former, signal }: RunContext,
  item: Omit<TokenGrid, 'values' | 'valid' | 'clip'>,
): Promise<TokenGrid> {
  const file = await former.find(item.key);
  if (!file)
    throw new InputError(
      item.id,
      'its tokens are in no shard any more, and the fit of the shards is of other tokens.',
      {
        remedy: 'Run the shards again, then merge.',
      },
    );
  try {
    const { values, valid } = await readTokenFile(file, signal);
    return { ...item, values, ...(valid && { valid }) };
  } finally {
    await file.close();
  }
}

/** The fit that a former run of the same inputs and options saved. */
async function resumed(
  { former, signal }: RunContext,
  fitKey: string,
  encoder: EncoderIdentity,
): Promise<{ readonly model: FittedReducer; readonly limits: Limits } | undefined> {
  const file = await former.find(fitKey);
  if (!file) return undefined;
  try {
    const { state, limits } = await readModel(file, { encoder, signal });
    return { limits, model: await restoreReducer(state, file.name) };
  } finally {
    await file.close();
  }
}

/** Components of one grid's valid tokens; they may lie in `into`. */
async function place(
  model: Fitted,
  spool: Spool,
  index: number,
  signal: AbortSignal,
  into: Float32Array | undefined,
): Promise<Float32Array> {
  const tokens = await spool.read(index);
  const values = model.transformGrid
    ? await model.transformGrid(tokens, seenGrid(spool.grids[index]!, index), signal)
    : await model.transform(tokens.rows, signal, into);
  if (values.buffer !== tokens.rows.buffer) spool.release(tokens);
  return values;
}

async function* transformRun(
  items: AsyncIterable<TokenGrid | Embedding>,
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
  const expected = totalCount(context.inputs);
  const findings = findingsOf(context);
  let done = 0;
  try {
    for await (const grid of items) {
      const projection = await context.attempt(grid, async () => {
        checkSeen(saved.encoder, grid, model, path);
        const { rows, valid } = await validRows(asTokens(grid), signal);
        const values = await model.transform(rows, signal);
        findings.see(values, model);
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
      context.progress('transform', ++done, expected);
      if (projection) yield projection;
    }
    findings.record(model, limits);
  } finally {
    await model.close?.();
  }
}

function checkSeen(
  encoder: EncoderIdentity | undefined,
  grid: TokenGrid | Embedding,
  model: FittedReducer,
  path: string,
): void {
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
  item: Pick<TokenGrid, 'id' | 'axes' | 'origin' | 'clip'>,
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
    ...(even && { componentNames: ['red', 'green', 'blue'] }),
    axes: [...item.axes.slice(0, -1), 'components'],
    origin: item.origin,
    ...(item.clip ? { clip: item.clip } : {}),
  };
}
