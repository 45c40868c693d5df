import { describe, expect, it } from 'vitest';
import { concat } from './bytes.ts';
import { numpyGlobals } from './numpy-values.ts';
import { findIn, PickleRefusal } from './pickle-context.ts';
import { checkGraph } from './pickle-graph.ts';
import { parsePickle } from './pickle.ts';
import { pythonGlobals, torchGlobals } from './torch-globals.ts';
import { tuple } from './python-values.ts';

/** Opcodes as characters, names and text as they are. */
const bytes = (...parts: (string | number | number[] | Uint8Array)[]): Uint8Array =>
  concat(
    parts.map((part) =>
      typeof part === 'string'
        ? Uint8Array.from(part, (c) => c.charCodeAt(0))
        : part instanceof Uint8Array
          ? part
          : Uint8Array.from(typeof part === 'number' ? [part] : part),
    ),
  );
const text = (value: string): Uint8Array => {
  const encoded = new TextEncoder().encode(value);
  return bytes('X', [encoded.length & 255, encoded.length >> 8, 0, 0], encoded);
};
const name = (module: string, item: string): string => `c${module}\n${item}\n`;
const context = { find: findIn([pythonGlobals, torchGlobals(1000), numpyGlobals]), persistent: (id: unknown) => id };
const load = (...parts: Parameters<typeof bytes>): unknown => {
  const pickle = bytes([0x80, 4], ...parts);
  return checkGraph(parsePickle(pickle, context).value, pickle.byteLength);
};
const number = (n: number): Uint8Array => bytes('J', [...new Uint8Array(Int32Array.of(n).buffer)]);

describe('pickle', () => {
  it.each<[string, Parameters<typeof bytes>, unknown]>([
    ['None', ['N.'], null],
    ['True', [0x88, '.'], true],
    ['a byte', ['K', 255, '.'], 255],
    ['two bytes', ['M', [1, 2], '.'], 513],
    ['a negative int', [number(-5), '.'], -5],
    ['a long of no bytes', [0x8a, 0, '.'], 0],
    ['a negative long', [0x8a, 1, 0xff, '.'], -1],
    ['2^53 as it is', [0x8a, 7, [0, 0, 0, 0, 0, 0, 0x20], '.'], 2n ** 53n],
    ['a float', ['G', [0x3f, 0xf8, 0, 0, 0, 0, 0, 0], '.'], 1.5],
    ['text in short', [0x8c, 2, [0xc3, 0xbc], '.'], 'ü'],
    ['text in long', [0x8d, [1, 0, 0, 0, 0, 0, 0, 0], 'a', '.'], 'a'],
    ['text of Python 2', ['U', 1, 'a', '.'], 'a'],
    ['bytes of Python 2', ['U', 1, 0xff, '.'], Uint8Array.of(255)],
    ['bytes', ['C', 2, [1, 2], '.'], Uint8Array.of(1, 2)],
    ['a bytearray', [0x96, [1, 0, 0, 0, 0, 0, 0, 0], 7, '.'], Uint8Array.of(7)],
    ['a list', [']', '(K', 1, 'K', 2, 'e.'], [1, 2]],
    ['a list by APPEND', [']K', 1, 'a.'], [1]],
    ['a dict', ['}(', text('a'), 'K', 1, 'u.'], new Map([['a', 1]])],
    ['a key that is set twice', ['}(', text('a'), 'K', 1, text('a'), 'K', 2, 'u.'], new Map([['a', 2]])],
    ['1 and True as one key', ['}(K', 1, text('x'), 0x88, text('y'), 'u.'], new Map([[1, 'y']])],
    ['equal tuples as one key', ['}(K', 1, 0x85, text('x'), 'K', 1, 0x85, text('y'), 'u.'], new Map([[tuple(1), 'y']])],
    ['a set with equal members', [0x8f, '(K', 1, 'K', 1, 'K', 2, 0x90, '.'], new Set([1, 2])],
    ['a frozenset', ['(K', 1, 0x91, '.'], new Set([1])],
    ['a set of a list', [name('builtins', 'set'), '](K', 3, 'e', 0x85, 'R.'], new Set([3])],
    [
      'tuples',
      ['(', ')', 'N', 0x85, 'NN', 0x86, 'NNN', 0x87, 't.'],
      tuple(tuple(), tuple(null), tuple(null, null), tuple(null, null, null)),
    ],
    ['a memo by number', ['](K', 7, 'q', 9, 'h', 9, 'e.'], [7, 7]],
    ['a memo by order', ['](K', 7, 0x94, 'h', 0, 'e.'], [7, 7]],
    ['DUP and POP', ['](K', 7, '2', 'N0', 'e.'], [7, 7]],
    ['POP_MARK', ['](K', 7, '(NN1', 'e.'], [7]],
    ['a frame', [0x95, [2, 0, 0, 0, 0, 0, 0, 0], 'N.'], null],
    [
      'a defaultdict',
      [name('collections', 'defaultdict'), name('__builtin__', 'list'), 0x85, 'R', text('k'), 'K', 1, 's.'],
      new Map([['k', 1]]),
    ],
    ['a Counter', [name('collections', 'Counter'), '}', text('k'), 'K', 1, 's', 0x85, 'R.'], new Map([['k', 1]])],
    [
      'an OrderedDict of pairs, with state',
      [name('collections', 'OrderedDict'), ']', text('k'), 'K', 1, 0x86, 'a', 0x85, 'R}', text('_metadata'), '}sb.'],
      new Map([['k', 1]]),
    ],
    [
      'a device with a number',
      [name('torch', 'device'), text('cuda'), 'K', 1, 0x86, 'R.'],
      { kind: 'torch', name: 'cuda:1' },
    ],
    ['a dtype', [name('torch', 'bfloat16'), '.'], { kind: 'torch', name: 'torch.bfloat16' }],
    ['a name from the stack', [0x8c, 5, 'torch', 0x8c, 4, 'int8', 0x93, '.'], { kind: 'torch', name: 'torch.int8' }],
    [
      'a complex number',
      [
        name('__builtin__', 'complex'),
        'G',
        [0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        'G',
        [0xc0, 0, 0, 0, 0, 0, 0, 0],
        0x86,
        'R.',
      ],
      { kind: 'complex', real: 1, imaginary: -2 },
    ],
  ])('reads %s', (_, parts, expected) => {
    expect(load(...parts)).toEqual(expected);
  });

  it('keeps one object for what came twice', () => {
    const [a, b] = load('](', ']q', 1, 'h', 1, 'e.') as unknown[];
    expect(a).toBe(b);
  });

  const dtype = (letter: string): Uint8Array =>
    bytes(
      name('numpy', 'dtype'),
      text(letter),
      0x89,
      0x88,
      0x87,
      'R(K',
      3,
      text('<'),
      'NNNJ',
      [255, 255, 255, 255],
      'J',
      [255, 255, 255, 255],
      'K',
      0,
      'tb',
    );
  const array = (raw: Uint8Array, type: Uint8Array, size = 1): Parameters<typeof bytes> => [
    name('numpy.core.multiarray', '_reconstruct'),
    name('numpy', 'ndarray'),
    'K',
    0,
    0x85,
    'C',
    1,
    'b',
    0x87,
    'R(K',
    1,
    'K',
    size,
    0x85,
    type,
    0x89,
    raw,
    'tb.',
  ];

  it('reads arrays of NumPy from before version 2, and of Python 2', () => {
    expect(load(...array(bytes('C', 4, [1, 0, 0, 0]), dtype('i4')))).toMatchObject({
      kind: 'ndarray',
      dtype: 'int32',
      shape: [1],
    });
    expect(load(...array(bytes('U', 4, [1, 0, 0, 0]), dtype('i4')))).toMatchObject({
      kind: 'ndarray',
      dtype: 'int32',
      shape: [1],
    });
    expect(
      load(
        name('numpy.core.numeric', '_frombuffer'),
        '(',
        0x96,
        [2, 0, 0, 0, 0, 0, 0, 0],
        [1, 2],
        dtype('u1'),
        'K',
        2,
        0x85,
        0x8c,
        1,
        'C',
        'tR.',
      ),
    ).toMatchObject({ kind: 'ndarray', shape: [2] });
  });

  it.each<[string, Parameters<typeof bytes>, string]>([
    ['an array of Python objects', array(bytes(']'), dtype('O8')), 'Python objects are not read'],
    ['an array of text', array(bytes('C', 4, 'abcd'), dtype('U1')), 'text'],
    ['an array with too few bytes', array(bytes('C', 3, 'abc'), dtype('i4')), 'needs 4 bytes and has 3'],
    [
      'an array without its state',
      [name('numpy.core.multiarray', '_reconstruct'), name('numpy', 'ndarray'), 'K', 0, 0x85, 'C', 1, 'b', 0x87, 'R.'],
      'without its state',
    ],
    ['an array with too many bytes', array(bytes('C', 4, 'abcd'), dtype('i4'), 0), 'needs 0 bytes'],
    [
      'records',
      [name('numpy', 'dtype'), text('V8'), 0x89, 0x88, 0x87, 'R(K', 3, text('|'), 'N', text('x'), 0x85, '}tb.'],
      'records',
    ],
    ['a name that is not in the table', [name('os', 'system'), '.'], 'os.system'],
    ['a name of Python 2', [name('__builtin__', 'eval'), '.'], '__builtin__.eval'],
    ['a name with a walk in it', [0x8c, 5, 'torch', 0x8c, 10, 'Size.mro.x', 0x93, '.'], 'torch.Size.mro.x'],
    ['a name through INST', ['(ios\nsystem\n.'], 'os.system through the opcode INST'],
    ['a name that is a number', ['K', 1, 'K', 2, 0x93, '.'], 'no text'],
    ['a name of the prototype', [name('constructor', 'prototype'), '.'], 'constructor.prototype'],
    ['a call of what is no function', ['K', 1, ')R.'], 'no function'],
    [
      'a call of what only stands for itself',
      [name('builtins', 'list'), ')R.'],
      'builtins.list, which is not to be called',
    ],
    ['a call of a storage class', [name('torch', 'FloatStorage'), ')R.'], 'not to be called'],
    ['a call without a tuple', [name('torch', 'Size'), ']R.'], 'no tuple'],
    ['a class as the value', [name('torch', 'Size'), '.'], 'torch.Size itself'],
    ['a class inside the value', [']', name('builtins', 'list'), 'a.'], 'builtins.list itself'],
    ['state for a class', [name('collections', 'OrderedDict'), '}b.'], 'OrderedDict itself'],
    ['state for a number', ['K', 1, '}b.'], 'has none'],
    [
      'a tensor without a storage',
      [name('torch._utils', '_rebuild_tensor_v2'), '(NK', 0, '))', 0x89, '}tR.'],
      'without a storage',
    ],
    ['a tensor with too few arguments', [name('torch._utils', '_rebuild_tensor_v2'), ')R.'], '0 arguments'],
    ['a Size of text', [name('torch', 'Size'), text('a'), 0x85, 0x85, 'R.'], 'whole numbers'],
    ['a device of a number', [name('torch', 'device'), 'K', 1, 0x85, 'R.'], 'without a name'],
    ['bytes of other encodings', [name('_codecs', 'encode'), text('a'), text('rot13'), 0x86, 'R.'], 'no text'],
    ['bytes beyond latin-1', [name('_codecs', 'encode'), text('雪'), 0x85, 'R.'], 'latin-1'],
    ['a list as a key', ['}]Ns.'], 'a list as a dict key'],
    ['a list in a tuple as a key', ['}]', 0x85, 'Ns.'], 'a list as a dict key'],
    ['a dict in a set', [0x8f, '(}', 0x90, '.'], 'a dict as a dict key or in a set'],
    ['a list in a set of a list', [name('builtins', 'set'), ']]a', 0x85, 'R.'], 'a list'],
    ['a key without a value', ['}(Nu.'], 'without a value'],
    ['items of what is no dict', [']NNs.'], 'no dict'],
    ['appending to a tuple', [')Na.'], 'no list'],
    ['adding to a list', ['](N', 0x90, '.'], 'no set'],
    ['an unknown opcode', [0xff, '.'], '0xff'],
    ['an opcode of protocol 0', ['I1\n.'], 'INT of protocol 0'],
    ['an extension', [0x82, 1, '.'], 'EXT1'],
    ['a buffer from outside', [0x97, '.'], 'NEXT_BUFFER'],
    ['protocol 6', [[0x80, 6], '.'], 'protocol 6'],
    ['values left over', ['NN.'], 'left over'],
    ['a MARK left over', ['N(.'], 'takes a value'],
    ['no value at all', ['.'], 'takes a value'],
    ['taking below a MARK', ['N(', 0x85, '.'], 'takes 1 values'],
    ['no MARK', ['t.'], 'MARK'],
    ['an unknown memo', ['h', 1, '.'], 'memo 1'],
    ['no STOP', ['N'], 'no STOP'],
    ['text that is cut', ['X', [9, 0, 0, 0], 'abc'], '9 bytes are announced'],
    ['text of 2^63 bytes', [0x8d, [0, 0, 0, 0, 0, 0, 0, 0x80], '.'], 'are announced'],
    ['text that is no UTF-8', ['X', [1, 0, 0, 0], 0xff, '.'], 'UTF-8'],
    ['an int of a million bytes', [0x8b, [0, 0, 16, 0], '.'], 'an int of 1048576 bytes'],
    ['an int of negative length', [0x8b, [255, 255, 255, 255], '.'], 'an int of -1 bytes'],
    ['a frame beyond the end', [0x95, [9, 0, 0, 0, 0, 0, 0, 0], 'N.'], 'a frame of 9 bytes'],
    ['a name that does not end', ['cos'], 'does not end'],
    ['a list that holds itself', [']q', 0, 'h', 0, 'a.'], 'contains itself'],
    ['a dict that holds itself', ['}q', 0, 'Nh', 0, 's.'], 'contains itself'],
    ['300 nested tuples', [')', new Uint8Array(300).fill(0x85), '.'], 'nested more than 256 deep'],
    [
      '200,000 nested lists',
      [new Uint8Array(200_000).fill(0x5d), new Uint8Array(199_999).fill(0x61), '.'],
      'nested more than 256 deep',
    ],
    [
      'lists that double 40 times',
      [']q', 0, '0', ...Array.from({ length: 40 }, (_, i) => bytes('](h', i, 'h', i, 'eq', i + 1, '0')), 'h', 40, '.'],
      'cannot be spelled out',
    ],
    [
      'tuples that double 60 times',
      ['Nq', 0, ...Array.from({ length: 60 }, (_, i) => bytes('0h', i, 'h', i, 0x86, 'q', i + 1)), '.'],
      'cannot be spelled out',
    ],
    [
      'tuples that double 60 times as a key',
      [
        'Nq',
        0,
        ...Array.from({ length: 60 }, (_, i) => bytes('0h', i, 'h', i, 0x86, 'q', i + 1)),
        'q',
        99,
        '0}h',
        99,
        'Ns.',
      ],
      '1,000 parts',
    ],
    ['more dicts than memory', [new Uint8Array(1_100_000).fill(0x7d), '.'], 'more than 1000000 dicts'],
    [
      'bytes that are made of the same text again and again',
      [
        '](',
        bytes('X', [...new Uint8Array(Uint32Array.of(100_000).buffer)], new Uint8Array(100_000).fill(97), 'q', 0),
        ...Array.from({ length: 1000 }, () => bytes(name('_codecs', 'encode'), 'h', 0, 0x85, 'R')),
        'e.',
      ],
      'over and over',
    ],
    [
      'a long key again and again',
      [
        '(',
        new Uint8Array(900).fill(0x4e),
        'tq',
        0,
        '0}(',
        ...Array.from({ length: 5000 }, () => bytes('h', 0, 'N')),
        'u.',
      ],
      'over and over',
    ],
  ])('refuses %s', (_, parts, message) => {
    let refused: unknown;
    try {
      load(...parts);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(PickleRefusal);
    expect((refused as Error).message).toContain(message);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
