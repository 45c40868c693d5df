import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Frame, InputFile } from '@deepearth/core';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { list } from './list.ts';

const image = (seed: number, width = 24, height = 16): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31 + seed * 97) % 256),
    { raw: { width, height, channels: 3 } },
  )
    .png()
    .toBuffer();

/** A folder with these files; text as it is, numbers as pictures made of them. */
async function folderOf(files: Readonly<Record<string, string | number | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lists-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), typeof content === 'number' ? await image(content) : content);
  }
  return folder;
}
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const rows = [
  'path,time,site',
  'b/2.png,2024-05-01T10:02:00Z,b',
  'b/1.png,2024-05-01T10:01:00Z,b',
  'a/3.png,2024-05-01T10:03:00Z,a',
  'a/4.png,2024-05-01T10:04:00Z,a',
];
const pictures = { 'b/1.png': 1, 'b/2.png': 2, 'a/3.png': 3, 'a/4.png': 4 };
// The conformance suite wants its options when tests are declared.
const good = await folderOf({ 'frames.csv': rows.join('\n'), ...pictures });
const bad = await folderOf({ 'frames.csv': rows.join('\n'), ...pictures, 'a/3.png': new Uint8Array(0) });

describeStage(list, {
  options: { path: join(good, 'frames.csv') },
  otherOptions: { path: join(good, 'frames.csv'), values: 'stored' },
  broken: {
    options: { path: join(bad, 'frames.csv') },
    says: /frames\.csv:4: .*3\.png: is empty \(0 bytes\)/,
    left: 3,
  },
  output(found) {
    expect(found.map(({ id, seconds }) => [id, seconds])).toEqual([
      ['a/frame-000000', 0],
      ['a/frame-000001', 60],
      ['b/frame-000000', 0],
      ['b/frame-000001', 60],
    ]);
  },
});

type Options = Partial<NonNullable<RunStageOptions<typeof list.options>['options']>>;

/** Runs a list whose text and pictures are given; 'list.csv' unless told. */
async function run(
  text: string | Uint8Array,
  options: Options = {},
  more: RunStageOptions<typeof list.options> & { files?: Record<string, string | number>; name?: string } = {},
) {
  const { files = { 'a.png': 1, 'b.png': 2, 'c.png': 3 }, name = 'list.csv', ...rest } = more;
  const folder = await folderOf({ ...files, [name]: text });
  const path = join(folder, name);
  const said: string[] = [];
  const skipped: string[] = [];
  const inputs: InputFile[] = [];
  const found: Frame[] = [];
  for await (const frame of runStage(list, {
    options: { path, ...options },
    onEvent(event) {
      if (event.type === 'warning') said.push(event.message.replaceAll(folder, ''));
      if (event.type === 'skipped') skipped.push(event.message.replaceAll(folder, ''));
    },
    onInput: (file) => inputs.push(file),
    ...rest,
  }))
    found.push(frame);
  return { folder, path, found, said, skipped, inputs };
}
const plan = async (text: string, options: Options = {}) => {
  const folder = await folderOf({ 'a.png': 1, 'b.png': 2, 'c.png': 3, 'list.csv': text });
  return describeAlone(list, { options: { path: join(folder, 'list.csv'), ...options } });
};
const named = (frames: readonly Frame[]) => frames.map(({ locator: { uri } }) => uri.split('/').at(-1)!);

describe('a list', () => {
  test('in any of the usual forms gives the same frames', async () => {
    const csv = 'path,time,lat,lon\na.png,2024-05-01 10:00:00,48.5,11.25\nb.png,2024-05-01 10:00:10,48.5,11.25\n';
    const json =
      '{"path":"a.png","time":"2024-05-01T10:00:00Z","location":{"lat":48.5,"lon":11.25}}\n\n{"path":"b.png","time":"2024-05-01T10:00:10Z","location":{"lat":48.5,"lon":11.25}}';
    const forms = {
      csv,
      crlf: csv.replaceAll('\n', '\r\n'),
      semicolons: csv.replaceAll(',', ';'),
      'decimal commas': csv.replaceAll(',', ';').replaceAll('48.5', '48,5').replaceAll('11.25', '11,25'),
      tabs: csv.replaceAll(',', '\t'),
      quoted: csv.replaceAll(/([^,\n]+)/g, '"$1"'),
      'byte order mark': `\ufeff${csv}`,
      'sep line': `sep=;\r\n${csv.replaceAll(',', ';').replaceAll('\n', '\r\n')}`,
      'other names': csv.replace('path,time,lat,lon', 'File,Time_Stamp,decimalLatitude,Decimal Longitude'),
      'no newline at the end': csv.trimEnd(),
      'JSON lines': json,
      'JSON lines with a mark': `\ufeff${json}\r\n`,
    };
    const keep = ({ read: _, locator: { uri: _uri, ...locator }, ...frame }: Frame) => ({ ...frame, locator });
    const [first, ...others] = await Promise.all(Object.values(forms).map((text) => run(text)));
    expect(first!.found.map(({ at, position }) => [at, position])).toEqual([
      ['2024-05-01T10:00:00Z', { longitude: 11.25, latitude: 48.5 }],
      ['2024-05-01T10:00:10Z', { longitude: 11.25, latitude: 48.5 }],
    ]);
    for (const [index, other] of others.entries())
      expect(other.found.map(keep), Object.keys(forms)[index + 1]).toEqual(first!.found.map(keep));
    const utf16 = new Uint8Array([0xff, 0xfe, ...new Uint8Array(Uint16Array.from(csv, (c) => c.charCodeAt(0)).buffer)]);
    expect((await run(utf16)).found.map(keep)).toEqual(first!.found.map(keep));
  });

  test('of a Camtrap DP package is read as it is: videos are left out, further columns kept', async () => {
    const media = [
      'mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileName,fileMediatype,favorite',
      'm2,north,activityDetection,2024-05-02T04:00:01+02:00,media/2.png,true,,image/png,',
      'm1,north,activityDetection,2024-05-02T04:00:00+02:00,media/1.png,true,,image/png,true',
      'm3,north,activityDetection,2024-05-02T04:00:09+02:00,media/3.mp4,true,,video/mp4,',
    ].join('\n');
    const { found, said } = await run(media, {}, { name: 'media.csv', files: { 'media/1.png': 1, 'media/2.png': 2 } });
    expect(found.map(({ sequence, number, at, metadata }) => [sequence, number, at, metadata])).toEqual([
      [
        'north',
        0,
        '2024-05-02T02:00:00Z',
        { mediaID: 'm1', captureMethod: 'activityDetection', filePublic: 'true', favorite: 'true' },
      ],
      ['north', 1, '2024-05-02T02:00:01Z', { mediaID: 'm2', captureMethod: 'activityDetection', filePublic: 'true' }],
    ]);
    expect(said).toEqual(['/media.csv: 1 row is of video/mp4 and left out']);
  });

  test('may have times in two columns, of a zone, in a notation of its own, or in seconds since 1970', async () => {
    const at = async (text: string, options: Options = {}) => (await run(text, options)).found.map((frame) => frame.at);
    expect(await at('file,date,time\na.png,2024-07-01,9:30:00\n', { timeZone: 'Europe/Berlin' })).toEqual([
      '2024-07-01T07:30:00Z',
    ]);
    expect(await at('file,time\na.png,1719819000\nb.png,1719819000500\n')).toEqual([
      '2024-07-01T07:30:00Z',
      '2024-07-01T07:30:00.500Z',
    ]);
    expect(await at('file,time\na.png,2024:07:01 07:30:00\n')).toEqual(['2024-07-01T07:30:00Z']);
    // No seconds since 1970 of 2034, when 1 January is a number before 31 December.
    expect(await at('file,time\na.png,2024123123\nb.png,2025010100\nc.png,202501010030\n')).toEqual([
      '2024-12-31T23:00:00Z',
      '2025-01-01T00:00:00Z',
      '2025-01-01T00:30:00Z',
    ]);
    const time = String.raw`(?<day>\d\d)/(?<month>\d\d)/(?<year>\d{4}) (?<hour>\d\d):(?<minute>\d\d)`;
    expect(await at('file,time\na.png,01/07/2024 07:30\n', { time })).toEqual(['2024-07-01T07:30:00Z']);
  });

  test('is ordered by number or as it stands where it has no times', async () => {
    expect(named((await run('file,number\nc.png,7\na.png,9\nb.png,8\n')).found)).toEqual(['c.png', 'b.png', 'a.png']);
    const { found } = await run('file\nc.png\na.png\nb.png\n');
    expect(named(found)).toEqual(['c.png', 'a.png', 'b.png']);
    expect(found.map(({ id, sequence, at, seconds }) => [id, sequence, at, seconds])[0]).toEqual([
      'frame-000000',
      'list',
      undefined,
      undefined,
    ]);
    expect(
      named((await run('file,time,number\nc.png,2024-01-02,1\na.png,2024-01-01,2\n', { order: 'number' })).found),
    ).toEqual(['c.png', 'a.png']);
  });

  test('is cut at pauses, and the parts are called after their beginnings', async () => {
    const text =
      'file,time,site\na.png,2024-01-01T00:00:00Z,x\nb.png,2024-01-01T00:00:05Z,x\nc.png,2024-01-01T01:00:00Z,x\nd.png,2024-01-01,y\n';
    const { found } = await run(
      text,
      { maxGapSeconds: 60 },
      { files: { 'a.png': 1, 'b.png': 2, 'c.png': 3, 'd.png': 4 } },
    );
    expect(found.map(({ sequence, number, seconds }) => [sequence, number, seconds])).toEqual([
      ['x/20240101T000000Z', 0, 0],
      ['x/20240101T000000Z', 1, 5],
      ['x/20240101T010000Z', 0, 0],
      ['y', 0, 0],
    ]);
  });

  test('is an input of the run, and so is each picture', async () => {
    const { path, folder, inputs } = await run('file\na.png\n');
    expect(inputs.map((input) => input.path)).toEqual([path, join(folder, 'a.png')]);
    expect(inputs[0]!.bytes).toBe((await readFile(path)).length);
  });

  test('says in the plan what it is, and what is wrong with it', async () => {
    expect(await plan('file,time,site\na.png,2024-01-01,x\nb.png,2024-01-02,y\nc.png,,x\n')).toMatchObject({
      output: { count: 2, sequences: ['x', 'y'], counts: [1, 1], axes: [{ size: 16 }, { size: 24 }, { size: 3 }] },
      notes: [
        '2 frames of 2 sequences (column site) from column file, ordered by time (column time, taken to be in UTC)',
      ],
      warnings: ['1 row is no frame: line 4 has no time (time)'],
    });
    const moving = await sharp(
      Uint8Array.from({ length: 8 * 8 * 3 * 3 }, (_, i) => i % 251),
      { raw: { width: 8, height: 24, channels: 3, pageHeight: 8 } },
    )
      .webp()
      .toBuffer();
    const folder = await folderOf({ 'a.webp': moving, 'b.png': 1, 'list.csv': 'file\na.webp\nb.png\n' });
    expect(await describeAlone(list, { options: { path: join(folder, 'list.csv') } })).toMatchObject({
      notes: expect.arrayContaining([expect.stringMatching(/a\.webp holds 3 pictures, of which the first is read$/)]),
    });
    expect(await plan('file\na.png\n', { maxGapSeconds: 3 })).toMatchObject({ option: 'maxGapSeconds' });
    await expect(plan('file\na.png\n', { order: 'time' })).rejects.toThrow(/has no column of times to be ordered by/);
  });
});

describe('a row that is wrong is named with its line', () => {
  test.each([
    ['a.png,,1,2', /list\.csv:3: has no time \(time\)/],
    ['a.png,soon,1,2', /list\.csv:3: time is no time that is understood: soon\./],
    ['a.png,2024-02-30,1,2', /list\.csv:3: time is no time that is understood: 2024-02-30/],
    ['a.png,01/02/2024 10:00,1,2', /list\.csv:3: time is no time that is understood/],
    ['a.png,2024-01-02T25:00:00,1,2', /list\.csv:3: time is no time that is understood/],
    [',2024-01-02,1,2', /list\.csv:3: has no path of a picture \(path\)/],
    ['ftp://example.org/a.png,2024-01-02,1,2', /list\.csv:3: ftp:\/\/example\.org\/a\.png is an address/],
    ['a.png,2024-01-02,91,2', /list\.csv:3: lat and lon are no place in degrees: 91, 2/],
    ['a.png,2024-01-02,1,', /list\.csv:3: lat and lon are no place in degrees: 1, nothing/],
    ['a.png,2024-01-02,48°30′N,11', /list\.csv:3: lat and lon are no place in degrees/],
    ['a.png,2024-01-02,1,2,extra', /list\.csv:3: has 5 fields, and there are 4 columns/],
    ['nowhere.png,2024-01-02,1,2', /list\.csv:3: .*nowhere\.png: there is no such file/],
    ['../list.csv,2024-01-02,1,2', /list\.csv:3: /],
    ['c.png,2024-01-02,1,2', /list\.csv:3: repeats the picture of line 2/],
  ])('%s', async (row, says) => {
    const text = `path,time,lat,lon\nc.png,2024-01-01,1,2\n${row}\nb.png,2024-01-03,1,2\n`;
    await expect(run(text)).rejects.toThrow(says);
    const { found, skipped } = await run(text, {}, { onError: 'skip' });
    expect(named(found)).toEqual(['c.png', 'b.png']);
    expect(skipped).toEqual([expect.stringMatching(says)]);
  });

  test('after fields of several lines too', async () => {
    const text = 'path;note;time\r\na.png;"two\r\nlines; and ""more"""\r\n;2024-01-01\r\n'
      .replace('"\r\n;', '";')
      .concat('\r\nb.png;x;never\r\n');
    await expect(run(text)).rejects.toThrow(/list\.csv:5: time is no time/);
    const { found } = await run(text, {}, { onError: 'skip' });
    expect(found[0]!.metadata).toEqual({ note: 'two\nlines; and "more"' });
  });

  test('in JSON lines', async () => {
    const lines = [
      '{"path":"a.png","number":1}',
      '{"path":',
      '[1]',
      '{"path":"b.png","number":1.5}',
      '{"number":4}',
      '{"path":"c.png","number":1}',
    ];
    const { found, skipped } = await run(lines.join('\n'), {}, { onError: 'skip', name: 'list.jsonl' });
    expect(named(found)).toEqual(['a.png']);
    expect(skipped.map((message) => message.replace(/^.*?list\.jsonl/, ''))).toEqual([
      expect.stringMatching(/^:2: is no JSON/),
      expect.stringMatching(/^:3: is no JSON object/),
      expect.stringMatching(/^:4: number is no whole number: 1\.5/),
      expect.stringMatching(/^:5: has no path/),
      expect.stringMatching(/^:6: repeats the number 1 of line 1/),
    ]);
  });

  test('and the first of two is taken where the options say so', async () => {
    const { found, said } = await run('path\na.png\na.png\nb.png\n', { duplicates: 'first' });
    expect(named(found)).toEqual(['a.png', 'b.png']);
    expect(said).toEqual(['/list.csv: 1 row repeats a picture or a number and is left out']);
  });
});

describe('a list that is wrong as a whole is refused', () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ['without anything', '', /list\.csv: has no rows/],
    ['without rows', 'path,time\n', /has no rows|lists no pictures/],
    [
      'without a column of paths',
      'picture of,time\na.png,2024-01-01\n',
      /no column holds the paths of pictures; the columns are picture of, time\./,
    ],
    ['with half of a place', 'path,lat\na.png,1\n', /has a column of latitudes \(lat\) and none of longitudes/],
    ['with two columns of one name', 'path,x,x\na.png,1,2\n', /two columns that are called "x"/],
    ['of times that can be read in two ways', 'path,time\na.png,01/02/2024\n', /Say with `time` what stands where/],
    ['of rows that are all wrong', 'path,time\na.png,\n', /none of its rows is a frame; line 2 has no time/],
    [
      'with a quotation mark that is never closed',
      `path\n"a.png\n${'b.png\n'.repeat(300_000)}`,
      /list\.csv:2: a quotation mark is opened and never closed/,
    ],
    ['as an array of JSON', '[{"path":"a.png"}]', /is an array of JSON/],
    [
      'in another encoding',
      new Uint8Array([...new TextEncoder().encode('path\n'), 0xfc, 0x2e, 0x70, 0x6e, 0x67]),
      /is not UTF-8/,
    ],
  ])('%s', async (_, text, says) => {
    await expect(run(text)).rejects.toThrow(says);
  });

  test('or not there, or no file', async () => {
    await expect(run('path\na.png\n', { path: join(good, 'nothing.csv') })).rejects.toThrow(
      /nothing\.csv: is not there/,
    );
    await expect(run('path\na.png\n', { path: good })).rejects.toThrow(/is a folder, not a file/);
  });

  test('or without a column that the options name, of which a similar one is there', async () => {
    await expect(run('path,taken\na.png,2024-01-01\n', { columns: { time: 'takn' } })).rejects.toThrow(
      /has no column "takn"; the columns are path, taken\. Did you mean taken\?/,
    );
  });
});

test('paths with backslashes are those of folders, and `directory` says where paths start', async () => {
  const files = { 'deep/a.png': 1 };
  expect(named((await run('path\ndeep\\a.png\n', {}, { files })).found)).toEqual(['a.png']);
  expect(named((await run('path\n3.png\n', { directory: join(good, 'a') })).found)).toEqual(['3.png']);
});

test('frames of a sequence have one size, those of two sequences need not', async () => {
  const folder = await folderOf({
    'a.png': await image(1),
    'b.png': await image(2, 30, 16),
    'l.csv': 'path,site\na.png,x\nb.png,y\n',
    'm.csv': 'path\na.png\nb.png\n',
  });
  const sizes = async (path: string, more: Options = {}) => {
    const found: number[] = [];
    for await (const { width } of runStage(list, { options: { path: join(folder, path), ...more } })) found.push(width);
    return found;
  };
  expect(await sizes('l.csv')).toEqual([24, 30]);
  await expect(sizes('m.csv')).rejects.toThrow(/m\.csv:3: .*b\.png: is 30 x 16 pixels/);
  expect(await sizes('m.csv', { sizes: 'any' })).toEqual([24, 30]);
  expect(await describeAlone(list, { options: { path: join(folder, 'm.csv'), sizes: 'any' } })).toMatchObject({
    output: { mixedSizes: true },
  });
});

describe('a long list', () => {
  const count = 20_000;
  let folder = '';
  beforeAll(async () => {
    // Every row is the same picture under the name of a folder that leads nowhere.
    const lines = Array.from({ length: count }, (_, i) => {
      const at = (i * 7919) % count;
      return `${'./'.repeat((at % 5) + 1)}p${at}.png,${new Date(Date.UTC(2024, 0, 1) + at * 1000).toISOString()},s${at % 3}`;
    });
    folder = await folderOf({ 'p0.png': 1, 'p3.png': 1, 'long.csv': `path,time,site\n${lines.join('\n')}\n` });
  });

  test(
    'is put in order, and gives its first frames before its pictures are looked at',
    { timeout: 60_000 },
    async () => {
      const found: string[] = [];
      for await (const frame of runStage(list, { options: { path: join(folder, 'long.csv') }, onError: 'skip' })) {
        found.push(frame.id);
        if (found.length === 2) break;
      }
      expect(found).toEqual(['s0/frame-000000', 's0/frame-000001']);
    },
  );
});
