import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import type { Frame } from '@deepearth/core';
import { bytesSource } from '@deepearth/formats/bytes';
import { afterAll, describe, expect, test } from 'vitest';
import { openNetcdf3 } from './netcdf/netcdf3.ts';
import { hdf5 } from './netcdf/netcdf4.ts';
import { openNetcdf } from './netcdf/open-netcdf.ts';
import { netcdf } from './netcdf.ts';
import { netcdf3, type MadeNetcdf } from './testing/make-netcdf3.ts';

const root = await mkdtemp(join(tmpdir(), 'netcdf-source-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const rain = (start: number, version: MadeNetcdf['version'] = 1): Uint8Array =>
  netcdf3({
    version,
    dimensions: { time: 4, lat: 10, lon: 9 },
    unlimited: 'time',
    variables: {
      // Three bytes of text between the records, so that padding matters.
      flag: { dimensions: ['time', 'lat'], type: 'char', value: (_, y) => 97 + y },
      rain: {
        dimensions: ['time', 'lat', 'lon'],
        type: 'int16',
        attributes: { scale_factor: 0.5, valid_max: 900 },
        value: (t, y, x) => (t === 2 && y === 3 && x === 4 ? 999 : 100 * (start + t) + 10 * y + x),
      },
      time: {
        dimensions: ['time'],
        type: 'float64',
        attributes: { units: 'days since 2024-02-28' },
        value: (t) => start + t,
      },
      lat: { dimensions: ['lat'], type: 'float32', attributes: { units: 'degrees_north' }, value: (y) => 40 + y },
      lon: { dimensions: ['lon'], type: 'float32', attributes: { units: 'degrees_east' }, value: (x) => x },
    },
  });
const file = async (name: string, bytes: Uint8Array): Promise<string> => {
  await writeFile(join(root, name), bytes);
  return join(root, name);
};
const first = await file('first.nc', rain(0));
const second = await file('second.nc', rain(4, 5));
const cut = await file('cut.nc', rain(0).subarray(0, 700));

/** A NetCDF-4 file as the library makes it: deflated chunks and dimension scales. */
const hdf = join(root, 'levels.nc');
{
  const { File } = await hdf5();
  const made = new File(hdf, 'w');
  const axes = { time: [0, 6, 12, 18], level: [1000, 500], y: [30, 20, 10, 0], x: [0, 10, 20, 30, 40] };
  for (const [name, values] of Object.entries(axes)) {
    const axis = made.create_dataset({ name, data: new Float64Array(values) });
    axis.make_scale(name);
    if (name === 'time') axis.create_attribute('units', 'hours since 2024-01-01');
  }
  const shape = [4, 2, 4, 5];
  const field = made.create_dataset({
    name: 'z',
    data: Float32Array.from({ length: 160 }, (_, i) => i),
    shape,
    chunks: [1, 1, 4, 5],
    compression: 'gzip',
  });
  for (const [axis, name] of Object.keys(axes).entries()) field.attach_scale(axis, name);
  made.close();
}

describeStage(netcdf, {
  title: 'with NetCDF-3',
  options: { path: [first, second], variable: 'rain' },
  otherOptions: { path: [first, second], variable: 'rain', values: 'stored' },
  broken: {
    options: { path: cut },
    says: /cut\.nc: is cut short: its header says that "\w+" ends at byte \d+, the file has 700/,
  },
  output(found) {
    expect(found.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(found.map(({ at }) => at?.slice(0, 10))).toEqual(
      ['28', '29', '01', '02', '03', '04', '05', '06'].map((day, i) => `2024-0${i < 2 ? 2 : 3}-${day}`),
    );
    expect(found[0]!.georeference?.transform).toEqual([1, 0, -0.5, 0, -1, 49.5]);
  },
});

describeStage(netcdf, {
  title: 'with NetCDF-4',
  options: { path: hdf, select: { level: 500 } },
  otherOptions: { path: hdf, select: { level: 1000 } },
  output: (found) => expect(found.map(({ at }) => at?.slice(11, 13))).toEqual(['00', '06', '12', '18']),
});

type Options = NonNullable<RunStageOptions<typeof netcdf.options>['options']>;
async function run(options: Options): Promise<Frame[]> {
  const found: Frame[] = [];
  for await (const frame of runStage(netcdf, { options })) found.push(frame);
  return found;
}

describe('NetCDF-3', () => {
  test('values are decoded, those beyond the valid range are no data, and north is up', async () => {
    const [, , third] = await run({ path: first, variable: 'rain', values: 'stored' });
    const { values, valid } = await third!.read();
    // Row 3 from the south is row 6 from the north.
    expect(valid?.indexOf(0)).toBe(6 * 9 + 4);
    expect(values.data[0]).toBe((200 + 90) / 2);
  });

  test('files whose times follow one another are one series; those of another place are refused', async () => {
    expect((await run({ path: [second, first], variable: 'rain' }))[0]!.locator.uri).toBe(first);
    await expect(run({ path: [first, hdf], variable: 'rain' })).rejects.toThrow(/has no variable "rain"/);
  });

  test('any part of a variable is what the whole holds there (all three formats, with and without records)', async () => {
    const size = fc.integer({ min: 1, max: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1 as const, 2 as const, 5 as const),
        fc.tuple(size, size, size),
        fc.boolean(),
        fc.constantFrom('int16' as const, 'int32' as const, 'float32' as const, 'float64' as const),
        fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 3, maxLength: 3 }),
        fc.constantFrom(1, 16, 64, 2 ** 20),
        async (version, [t, y, x], records, type, cuts, together) => {
          const made = netcdf3({
            version,
            dimensions: { t, y, x },
            ...(records && { unlimited: 't' }),
            variables: {
              other: { dimensions: ['t'], type: 'int16', value: (i) => i },
              v: { dimensions: ['t', 'y', 'x'], type, value: (...at) => at[0]! * 100 + at[1]! * 10 + at[2]! },
            },
          });
          const array = (await openNetcdf3(bytesSource(made, 'made.nc'), undefined, together)).arrays.get('v')!;
          const part = [t, y, x].map((count, axis) => {
            const start = cuts[axis]![0] % count;
            return { start, count: 1 + (cuts[axis]![1] % (count - start)) };
          });
          const found = await array.read(part);
          const wanted: number[] = [];
          for (let i = 0; i < part[0]!.count; i++)
            for (let j = 0; j < part[1]!.count; j++)
              for (let k = 0; k < part[2]!.count; k++)
                wanted.push((part[0]!.start + i) * 100 + (part[1]!.start + j) * 10 + part[2]!.start + k);
          expect([...found.data]).toEqual(wanted);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a header that is cut anywhere is an error that names the file, and never a wrong value', async () => {
    const whole = rain(0, 5);
    for (let length = 4; length < whole.length; length += 37)
      await expect(openNetcdf3(bytesSource(whole.subarray(0, length), 'part.nc'))).rejects.toThrow(/^part\.nc: /);
  });

  test('characters are text along the last axis', async () => {
    const cube = await openNetcdf(first);
    expect((await cube.arrays.get('flag')!.readText())[0]).toBe('abcdefghij');
    await cube.close();
  });
});

describe('what is no NetCDF file', () => {
  test.each([
    ['page.nc', Buffer.from('<html>404</html>'), /is no NetCDF file: it begins with "<html>404<\/html>"/],
    ['empty.nc', Buffer.alloc(0), /is no NetCDF file: it is empty/],
  ])('%s is refused by its first bytes', async (name, bytes, message) => {
    await expect(openNetcdf(await file(name, bytes))).rejects.toMatchObject({
      code: 'E_NOT_NETCDF',
      message: expect.stringMatching(message) as string,
    });
  });

  test('half an HDF5 file is refused by its length', async () => {
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(hdf);
    const half = await file('half.nc', bytes.subarray(0, bytes.length / 2));
    await expect(openNetcdf(half)).rejects.toMatchObject({ code: 'E_FILE_TRUNCATED' });
  });
});

test('values in SZIP are those that netCDF wrote (fixtures/make_kinds.py)', async () => {
  const cube = await openNetcdf(fileURLToPath(new URL('../fixtures/kinds/szip.nc', import.meta.url)));
  const { data } = await cube.arrays.get('t')!.read();
  const { buffer, byteOffset, byteLength } = data as Int16Array;
  expect(
    createHash('sha256')
      .update(new Uint8Array(buffer, byteOffset, byteLength))
      .digest('hex'),
  ).toBe('c6671bc31cb3bf1124cdfa7a7a5348d452f9d255cf0463b9f0056ecf46b54387');
  await cube.close();
});
