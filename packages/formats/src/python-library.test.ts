import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findIn } from './pickle-context.ts';
import { checkGraph } from './pickle-graph.ts';
import { parsePickle } from './pickle.ts';
import { plainJson } from './plain-json.ts';
import { libraryGlobals } from './python-library.ts';
import { pythonGlobals } from './torch-globals.ts';

// Made by fixtures/make_library.py.
const pickles = JSON.parse(readFileSync(new URL('../fixtures/library.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, string>
>;
const context = { find: findIn([pythonGlobals, libraryGlobals]), persistent: () => undefined };
const load = (bytes: Uint8Array): unknown => checkGraph(parsePickle(bytes, context).value, bytes.byteLength);

describe('what stands beside tensors', () => {
  test.each(Object.entries(pickles))('is dicts, lists and texts (protocol %s)', (_, base64) => {
    expect(JSON.parse(plainJson(load(Buffer.from(base64, 'base64')) as Parameters<typeof plainJson>[0]))).toEqual({
      args: { lr: 0.1, out: '/tmp/x/y', nested: { n: [1, 2] } },
      ns: { x: 1 },
      windows: 'C:\\a\\b',
      paths: ['a/b', '.', '/', '..'],
      moment: '2024-01-31T23:05:06.000789',
      local: '2024-01-31T23:05:06-03:30',
      utc: '2024-01-01T00:00:00+00:00',
      twice: '2024-10-27T02:30:00',
      date: '1999-12-31',
      time: '01:02:03',
      delta: 86_402.5,
      queue: [1, 'a'],
      endless: ['a', 'b'],
    });
  });

  const pickle = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [...part])));
  const long = 'a'.repeat(200);
  test.each<[string, Uint8Array, RegExp]>([
    ['a path of a number', pickle([0x80, 2], 'cpathlib\nPosixPath\nK', [1, 0x85], 'R.'), /path of what are no texts/],
    [
      'a path that is longer than any',
      pickle(
        [0x80, 4],
        'cpathlib\nPosixPath\n(',
        ...Array.from({ length: 30 }, () => [0x8c, 200, ...Buffer.from(long)]),
        'tR.',
      ),
      /a path of 60\d\d characters/,
    ],
    ['a date of two bytes', pickle([0x80, 4], 'cdatetime\ndate\nC', [2, 1, 1, 0x85], 'R.'), /an invalid date/],
    [
      'a delta of texts',
      pickle([0x80, 4], 'cdatetime\ntimedelta\n', [0x8c, 1], 'a', [0x85], 'R.'),
      /an invalid timedelta/,
    ],
    ['a zone of nothing', pickle([0x80, 4], 'cdatetime\ntimezone\nN', [0x85], 'R.'), /an invalid timezone/],
    [
      'a queue that is made of a list',
      pickle([0x80, 4], 'ccollections\ndeque\n](K', [1], 'e', [0x85], 'R.'),
      /a deque/,
    ],
    ['attributes in a list', pickle([0x80, 4], 'cargparse\nNamespace\n)', [0x81], ']b.'), /attributes are no dict/],
    ['a class of somebody', pickle([0x80, 4], 'cmine\nConfig\n)', [0x81], '.'), /asks for mine\.Config/],
  ])('%s is refused', (_, bytes, why) => {
    expect(() => load(bytes)).toThrow(why);
  });

  test('of an object of slots has all its attributes', () => {
    // NEWOBJ, then BUILD with (None, {'a': 1}).
    const bytes = pickle([0x80, 4], 'cargparse\nNamespace\n)', [0x81], 'N}', [0x8c, 1], 'aK', [1], 's', [0x86], 'b.');
    expect([...(load(bytes) as Map<string, number>)]).toEqual([['a', 1]]);
  });
});
