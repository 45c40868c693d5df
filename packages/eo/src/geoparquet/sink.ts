// Writes tokens as rows of GeoParquet: where and when each was, and what was made of it.

import {
  axesKnown,
  axisSize,
  defineSink,
  lineage,
  outputPath,
  refuse,
  spec,
  type Artifact,
  type ArtifactAbout,
  type Embedding,
  type Item,
  type StageContext,
  type TokenGrid,
} from '@deepearth/core';
import type { ParquetColumn } from '@deepearth/formats/parquet-writer';
import { z } from 'zod';
import { codeOf } from '../crs/epsg-code.ts';
import { projjsonOf } from '../crs/projjson.ts';
import { gridKinds, nameOf, usualName, type GridItem } from '../place/grid-item.ts';
import { longitudeLatitude } from './footprints.ts';
import { embMetadata } from './geo-metadata.ts';
import { checkBands, joinedInput, type JoinedInput, type JoinedValues } from './joined-input.ts';
import { placeFile, type PlaceFile } from './place-file.ts';
import { placeColumns, tokenRows, type TokenRow, type TokenRows } from './token-table.ts';
import { namedApart, valueColumns, type ValueColumns } from './value-columns.ts';

/** Options of `sink/geoparquet`. */
export const geoparquetSinkOptions = z.strictObject({
  name: outputPath()
    .optional()
    .describe(
      'Name of the file inside the output folder, without ending. Default: "features", "embeddings", or the name of the reducer, of the first input; the id of the stage where another stage would write the same name. Frames of another coordinate system have a file of their own, `features_EPSG-32634.parquet`.',
    ),
  geometry: z
    .enum(['polygon', 'point'])
    .default('polygon')
    .describe('What a token saw, or the middle of it. Frames of a camera have the point where it stands.'),
  steps: z
    .enum(['each', 'mean'])
    .default('each')
    .describe(
      'A clip has several steps of time: a row for `each` at a place, or one with their `mean` (of groups the one that it has most often).',
    ),
});

/** Options of `sink/geoparquet`, with their defaults. */
export type GeoParquetSinkOptions = z.output<typeof geoparquetSinkOptions>;
type Context = StageContext<GeoParquetSinkOptions>;

/** The stage `sink/geoparquet`. */
export const geoparquetSink = defineSink<typeof geoparquetSinkOptions, undefined, undefined, Item, Artifact>({
  type: 'geoparquet',
  summary:
    'Writes a table of places (GeoParquet): a row for each token or whole clip, with its footprint, time and embedding.',
  options: geoparquetSinkOptions,
  joins: 'separate',
  readsAhead: true,
  examples: [
    '- type: sink/geoparquet',
    '- type: sink/geoparquet\n  from: [tokens, pca, clusters]\n  with: { name: tokens, geometry: point }',
  ],

  describe(_, { options, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => !gridKinds.includes(kind));
    if (other || inputs.length === 0)
      return refuse(`sink/geoparquet takes tokens, embeddings or projections, not ${other?.spec.kind ?? 'nothing'}.`, {
        remedy: 'Put it behind an encoder, an aggregator or a reducer.',
      });
    for (const { spec: each } of inputs) {
      const odd = each.axes.slice(0, -1).find(({ name }) => !['time', 'height', 'width'].includes(name));
      if (axesKnown(each) && odd)
        return refuse(`what comes here has the axis ${odd.name}, which is neither a place nor a time.`, {
          remedy: 'sink/features writes grids of any axes.',
        });
    }
    const [first] = inputs;
    const { kind, names = ['<reducer>'], count, axes } = first!.spec;
    const rows = axes.slice(0, -1).reduce<number | null>((n, { size }) => (n && size ? n * size : null), count);
    const numbers = inputs.map(({ spec: each }) => axisSize(each, each.axes.at(-1)?.name ?? '') ?? NaN);
    // Numbers that wait for the rows, the numbers in rows, and what else is in them.
    const bytes = (rows ?? NaN) * numbers.reduce((sum, size) => sum + 8 * size, 320);
    return {
      output: spec('artifact', {}, null, null),
      drains: true,
      // A group of rows as they wait, as lists, and as bytes.
      memoryBytes: 192 << 20,
      ...(Number.isFinite(bytes) && { diskBytes: bytes + (1 << 16) }),
      files: {
        option: 'name',
        paths: (kind === 'projection' ? names : [usualName(kind, kind)]).map((name) => ({
          path: `${options.name ?? ownName ?? name}.parquet`,
        })),
      },
      ...(inputs.length > 1 && { notes: ['what is joined to the first input waits in the work folder'] }),
    };
  },

  async *process(_, context) {
    const { inputs, options, signal, attempt, log, key } = context;
    const [main, ...others] = inputs;
    const joined: JoinedInput[] = [];
    for (const [index, { id, items }] of others.entries()) {
      const input = joinedInput(id, await context.scratch(`joined-${index}`), options);
      for await (const item of items) {
        signal.throwIfAborted();
        await attempt(item, () => input.add(item as GridItem));
      }
      if (input.first) joined.push(input);
    }
    const files = new Map<string, OpenFile>();
    let layout: Layout | undefined;
    let current: OpenFile | undefined;
    try {
      for await (const each of main!.items) {
        signal.throwIfAborted();
        const item = each as GridItem;
        const found = await attempt(item, async () => {
          const tokens = tokenRows(item, options);
          layout ??= layoutOf(item, main!.id, joined);
          checkBands(item, layout.own);
          return { tokens, parts: await Promise.all(joined.map((input) => input.of(item))) };
        });
        if (!found) continue;
        const { tokens, parts } = found;
        // Rows of one file wait at a time.
        const crs = tokens.crs ?? '';
        if (current && current !== files.get(crs)) await current.file.flush();
        current = files.get(crs) ?? (await openFile(item, tokens.crs, layout!, files.size === 0, context));
        files.set(crs, current);
        current.content = lineage(current.content, item.key, ...parts.map((part) => part?.key ?? ''));
        for (const row of tokens.rows()) {
          signal.throwIfAborted();
          current.rows++;
          await current.file.add(cellsOf(row, tokens, layout!, parts), row.footprint, tokens.type);
        }
      }
      if (files.size === 0) return log.warn('nothing came in, so no table is written');
      for (const { file, content, rows, about, metadata } of files.values())
        yield await file.end({ key: key(content), about: { ...about, axes: { row: rows } } }, metadata);
    } finally {
      for (const { file } of files.values()) await file.discard();
    }
  },
});

/** The columns of a table. */
interface Layout {
  readonly own: ValueColumns;
  readonly joined: readonly ValueColumns[];
  readonly columns: readonly ParquetColumn[];
  readonly metadata: Readonly<Record<string, string>>;
}

function layoutOf(item: GridItem, id: string, joined: readonly JoinedInput[]): Layout {
  const own = valueColumns(item);
  const inputs = [{ id, item, columns: own }, ...joined.map((input) => ({ id: input.id, ...input.first! }))];
  const named = namedApart(
    inputs.map((input) => ({ id: input.id, columns: input.columns.columns })),
    placeColumns,
  );
  const embedded = inputs.find((input) => input.item.kind !== 'projection');
  const at = inputs.slice(0, embedded && inputs.indexOf(embedded)).flatMap(({ columns }) => columns.columns).length;
  return {
    own,
    joined: inputs.slice(1).map(({ columns }) => columns),
    columns: [...placeColumns, ...named],
    metadata: embedded ? { emb: embMetadata(embedded.item as TokenGrid | Embedding, named[at]!.name) } : {},
  };
}

/** The cells of a row: of what and where a token is, then its numbers, `null` where an input has none. */
const cellsOf = (
  { token, cells }: TokenRow,
  { values }: TokenRows,
  { own, joined }: Layout,
  parts: readonly (JoinedValues | undefined)[],
): unknown[] => [
  ...cells,
  ...own.cells(values, token * own.bands),
  ...joined.flatMap((columns, index) => {
    const part = parts[index];
    return part ? columns.cells(part.values, part.at(token)) : columns.columns.map(() => null);
  }),
];

interface OpenFile {
  readonly file: PlaceFile;
  readonly about: ArtifactAbout;
  readonly metadata: Readonly<Record<string, string>>;
  /** A digest of the keys of the items whose rows are in it. */
  content: string;
  rows: number;
}

async function openFile(
  item: GridItem,
  crs: string | undefined,
  { columns, own, joined, metadata }: Layout,
  isFirst: boolean,
  { options, ownName, output, log }: Context,
): Promise<OpenFile> {
  const name = options.name ?? ownName ?? nameOf(item);
  const path = `${name}${isFirst ? '' : `_${labelOf(crs)}`}.parquet`;
  const known = crs === undefined || crs === longitudeLatitude || projjsonOf(crs) !== undefined;
  if (!known)
    log.warn(
      `${path} does not say what its coordinates mean to other programs: ${shortened(crs)} is none of the systems that are described here; give it to them (\`set_crs\` in GeoPandas); it is in the file, under \`crs\``,
    );
  if (!isFirst) log.info(`${path} holds what has another coordinate system than what came first`);
  const numbers = [own, ...joined].reduce((sum, { bands }) => sum + bands, 0);
  return {
    file: await placeFile(path, crs, columns, numbers, output),
    about: { kind: item.kind, ...(item.kind === 'projection' && { reducer: item.reducer }), dtype: 'float32' },
    metadata: { ...metadata, ...(!known && { crs }) },
    content: '',
    rows: 0,
  };
}

/** A coordinate system in the name of a file: "EPSG-32634", "crs-1a2b3c4d" for what is known by its text alone. */
function labelOf(crs: string | undefined): string {
  if (crs === undefined) return 'unplaced';
  const code = codeOf(crs);
  if (code !== undefined) return `EPSG-${code}`;
  return crs === longitudeLatitude ? 'positions' : `crs-${lineage(crs).slice(0, 8)}`;
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text);
