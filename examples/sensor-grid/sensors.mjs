// Stages for a grid of sensors over time: a source that reads a CSV file, and an encoder that takes every reading for a
// token.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { defineEncoder, defineSource, InputError, lineage, partOfRaster, refuse, spec, tensor } from '@deepearth/core';
import { sha256OfFile } from '@deepearth/runtime';
import { z } from 'zod';

const quantities = ['temperature', 'humidity', 'wind'];
const header = ['seconds', 'row', 'column', ...quantities].join(',');

/** One frame for each moment: `[rows, columns, 3]`, float32. */
export const sensors = defineSource({
  type: 'sensors',
  summary: 'Reads a grid of sensors over time from a CSV file.',
  options: z.strictObject({
    file: z.string().min(1).describe(`CSV with the columns ${header}, ordered by time.`),
    rows: z.int().min(1).default(4).describe('Sensors from north to south.'),
    columns: z.int().min(1).default(6).describe('Sensors from west to east.'),
  }),
  examples: ['- type: source/sensors\n  with: { file: readings.csv }'],

  describe: (_, { options: { rows, columns } }) => ({
    output: spec('frame', { height: rows, width: columns, channels: quantities.length }, 'float32', null),
  }),

  async *process(_, { options: { file, rows, columns }, signal, key, recordInput, frameRange }) {
    const bytes = await stat(file).then(
      (found) => found.size,
      (cause) => Promise.reject(new InputError(file, 'cannot be read.', { cause, remedy: 'Check the option file.' })),
    );
    const digest = await sha256OfFile(file);
    recordInput({ path: file, bytes, sha256: digest });
    // A run on several machines asks each for a part of the frames.
    const { first, end } = frameRange('sensors');
    let number = -1;
    for await (const [seconds, data] of moments(file, rows, columns, signal)) {
      number += 1;
      if (number >= end) return;
      if (number < first) continue;
      yield {
        kind: 'frame',
        id: `moment-${String(number).padStart(6, '0')}`,
        key: key(digest, String(number)),
        sequence: 'sensors',
        number,
        seconds,
        locator: { source: 'source/sensors', uri: file, seconds },
        width: columns,
        height: rows,
        read: async (options) =>
          partOfRaster(
            { values: tensor('float32', [rows, columns, quantities.length], data), channels: quantities },
            options,
          ),
      };
    }
  },
});

/** The readings of one moment after another, one line of the file in memory at a time. */
async function* moments(file, rows, columns, signal) {
  // The stream is not given the signal: aborted while nothing reads from it, it would throw where nothing can catch.
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  const empty = () => new Float32Array(rows * columns * quantities.length).fill(NaN);
  let [line, now, data] = [0, undefined, empty()];
  const whole = () => {
    const missing = data.findIndex((value) => Number.isNaN(value));
    if (missing < 0) return [now, data];
    const sensor = Math.floor(missing / quantities.length);
    throw new InputError(
      file,
      `has no ${quantities[missing % quantities.length]} of row ${Math.floor(sensor / columns)}, column ${sensor % columns} at ${now} s.`,
      { remedy: 'Every moment needs every sensor.' },
    );
  };
  for await (const text of lines) {
    signal.throwIfAborted();
    line += 1;
    if (line === 1 && text !== header)
      throw new InputError(file, `begins with ${JSON.stringify(text.slice(0, 80))}, not with ${header}.`);
    if (line === 1 || text === '') continue;
    const [seconds, row, column, ...readings] = text.split(',').map(Number);
    const place = (row * columns + column) * quantities.length;
    const fits =
      readings.length === quantities.length &&
      readings.every(Number.isFinite) &&
      row >= 0 &&
      row < rows &&
      column >= 0 &&
      column < columns;
    if (!fits || !Number.isInteger(place))
      throw new InputError(
        `${file}:${line}`,
        `${JSON.stringify(text.slice(0, 80))} is no reading of a sensor of ${rows} x ${columns}.`,
      );
    if (now !== undefined && seconds !== now) {
      yield whole();
      data = empty();
    }
    now = seconds;
    data.set(readings, place);
  }
  if (now !== undefined) yield whole();
}

/** Every sensor at every moment is a token; its channels are the quantities, each brought to a like scale. */
export const readings = defineEncoder({
  type: 'readings',
  summary: 'Takes every reading of a sensor for a token.',
  options: z.strictObject({
    scales: z.array(z.number().positive()).default([10, 30, 5]).describe('What to divide each quantity by.'),
  }),
  examples: ['- type: encoder/readings', '- type: encoder/readings\n  with: { scales: [10, 30, 5] }'],

  describe(input, { options: { scales } }) {
    if (input?.kind !== 'clip')
      return refuse(`it takes clips, not ${input?.kind ?? 'nothing'}.`, { remedy: 'Put it after a windower.' });
    const depth = input.axes.find(({ name }) => name === 'channels')?.size ?? null;
    if (depth !== null && depth !== scales.length)
      return refuse(`there are ${depth} quantities and ${scales.length} scales.`, { option: 'scales' });
    return { output: { ...input, kind: 'tokens', dtype: 'float32' } };
  },

  async each(clip, { options: { scales }, signal, key, type }) {
    const rasters = await Promise.all(clip.frames.map((frame) => frame.read({ signal })));
    const { width, height } = clip.frames[0];
    const data = new Float32Array(clip.frames.length * height * width * scales.length);
    rasters.forEach(({ values }, t) =>
      values.data.forEach((value, i) => (data[t * values.data.length + i] = value / scales[i % scales.length])),
    );
    return {
      kind: 'tokens',
      id: clip.id,
      key: key(clip.key),
      clip,
      values: tensor('float32', [clip.frames.length, height, width, scales.length], data),
      axes: ['time', 'height', 'width', 'channels'],
      origin: { kind: 'picture', geometry: { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height } },
      encoder: { name: type, fingerprint: lineage(type, scales) },
    };
  },
});
