import { crc32 as nodeCrc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '@deepearth/core/errors';
import { memoryStore } from '@deepearth/core/memory-store';
import { bytesSource, collect, concat, type ByteSource } from './bytes.ts';
import { crc32, portableCrc32 } from './crc32.ts';
import { deflateRaw, inflateRaw } from './deflate.ts';
import { openZip } from './zip.ts';
import { writeZip, zipBytes, type ZipInput } from './zip-writer.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const make = async (...inputs: ZipInput[]): Promise<Uint8Array> => collect(writeZip(inputs));
const open = (bytes: Uint8Array): ReturnType<typeof openZip> => openZip(bytesSource(bytes, 'test.zip'));
const edit = (bytes: Uint8Array, change: (view: DataView, bytes: Uint8Array) => void): Uint8Array => {
  const copy = bytes.slice();
  change(new DataView(copy.buffer), copy);
  return copy;
};
/** Where the nth record with this signature starts. */
const find = (bytes: Uint8Array, signature: number, nth = 0): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at + 4 <= bytes.length; at++) if (view.getUint32(at, true) === signature && nth-- === 0) return at;
  throw new Error('no such record');
};
const central = 0x02014b50;
const streamed = (name: string, bytes: Uint8Array): ZipInput => ({
  name,
  size: bytes.byteLength,
  chunks: () => [bytes.subarray(0, 3), bytes.subarray(3)],
});

const good = await make(
  zipBytes('aa', text('first')),
  zipBytes('bb', text('second'), 'deflated'),
  zipBytes('cc', text('third')),
);

describe('CRC-32', () => {
  it('is the same in JavaScript and in the platform, whole and in parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 100 }), (bytes, cut) => {
        const expected = nodeCrc32(bytes);
        expect(portableCrc32(bytes)).toBe(expected);
        expect(portableCrc32(bytes.subarray(cut), portableCrc32(bytes.subarray(0, cut)))).toBe(expected);
        expect(crc32(bytes)).toBe(expected);
        expect(crc32(new Uint8Array(0), crc32(bytes))).toBe(expected);
      }),
    );
  });
});

describe('zip', () => {
  it('reads back what it wrote: stored, deflated, streamed, aligned or not', async () => {
    const file = fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('stored', 'deflated'), fc.boolean());
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-zü雪](\/?[a-z0-9.-]*[a-z0-9])?$/), file, { maxKeys: 5 }),
        fc.constantFrom(1, 64),
        async (files, alignment) => {
          const inputs = Object.entries(files).map(([name, [bytes, compression, known]]): ZipInput => ({
            ...(known ? zipBytes(name, bytes) : streamed(name, bytes)),
            compression: compression as 'stored',
          }));
          const bytes = await collect(writeZip(inputs, { alignment }));
          expect(await collect(writeZip(inputs, { alignment }))).toEqual(bytes);
          const { entries } = await open(bytes);
          expect([...entries.keys()]).toEqual(Object.keys(files));
          for (const [name, [content, compression]] of Object.entries(files)) {
            const entry = entries.get(name)!;
            expect(await entry.read()).toEqual(content);
            const { offset, bytes: length } = await entry.locate();
            if (compression === 'stored') {
              expect(offset % alignment).toBe(0);
              expect(bytes.subarray(offset, offset + length)).toEqual(content);
            }
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has more entries than 16 bits count', async () => {
    const inputs = Array.from({ length: 66_000 }, (_, i) => ({ ...zipBytes(`f${i}`, new Uint8Array(0)) }));
    const { entries } = await open(await make(...inputs));
    expect(entries.size).toBe(66_000);
  });

  it('goes beyond 4 GiB, and is read without its content', async () => {
    // Zeros are not kept: the pieces that matter are remembered by their place.
    const size = 2 ** 32 + 100;
    const zero = new Uint8Array(1 << 24);
    const zeros = function* (): Generator<Uint8Array> {
      for (let at = 0; at < size; at += zero.length) yield zero.subarray(0, Math.min(zero.length, size - at));
    };
    const inputs = [
      zipBytes('before', text('before')),
      { name: 'large', size, chunks: zeros },
      zipBytes('after', text('after')),
    ];
    const parts: [number, Uint8Array][] = [];
    let at = 0;
    for await (const chunk of writeZip(inputs, { alignment: 64 })) {
      if (chunk.buffer !== zero.buffer) parts.push([at, chunk]);
      at += chunk.byteLength;
    }
    const source: ByteSource = {
      name: 'large.zip',
      size: at,
      close: async () => undefined,
      read: async (offset, length) => {
        expect(length).toBeLessThan(100_000);
        const out = new Uint8Array(length);
        for (const [start, part] of parts) {
          const from = Math.max(offset, start);
          const to = Math.min(offset + length, start + part.byteLength);
          if (from < to) out.set(part.subarray(from - start, to - start), from - offset);
        }
        return out;
      },
    };
    const { entries } = await openZip(source);
    expect([...entries.values()].map((entry) => [entry.name, entry.size])).toEqual([
      ['before', 6],
      ['large', size],
      ['after', 5],
    ]);
    expect(await entries.get('after')!.read()).toEqual(text('after'));
    const large = await entries.get('large')!.locate();
    expect([large.offset % 64, large.bytes]).toEqual([0, size]);
    expect((await entries.get('after')!.locate()).offset).toBeGreaterThan(2 ** 32);
  });

  it('gives names without the UTF-8 flag the meaning of code page 437', async () => {
    const bytes = edit(await make(zipBytes('ab', text('x'))), (view, copy) => {
      copy[30] = 0x81;
      copy[find(copy, central) + 46] = 0x81;
    });
    expect([...(await open(bytes)).entries.keys()]).toEqual(['üb']);
  });

  it('stops inflating at the size that was declared', async () => {
    const bomb = deflateRawSync(new Uint8Array(1 << 26));
    let most = 0;
    const drain = async (): Promise<void> => {
      for await (const chunk of inflateRaw([bomb], 1 << 16)) most += chunk.byteLength;
    };
    await expect(drain()).rejects.toThrow(RangeError);
    expect(most).toBeLessThanOrEqual(1 << 16);
  });

  it('lets go of the codec when the reader stops early', async () => {
    const endless = function* (): Generator<Uint8Array> {
      for (;;) yield new Uint8Array(1 << 16);
    };
    for await (const chunk of deflateRaw(endless())) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
  });

  it('passes on why content could not be produced', async () => {
    const broken = {
      name: 'a',
      size: 4,
      chunks: function* () {
        yield text('ab');
        throw new Error('the disk is gone');
      },
    };
    await expect(make(broken)).rejects.toThrow('the disk is gone');
    await expect(make({ ...broken, compression: 'deflated' })).rejects.toThrow('the disk is gone');
    await expect(make({ name: 'a', size: 4, chunks: () => [text('ab')] })).rejects.toThrow('4 bytes and has 2');
    await expect(make({ name: 'a', size: 1, chunks: () => [text('ab')] })).rejects.toThrow('1 bytes and has more');
  });

  it.each(['', '../a', 'a/../b', '/a', 'C:/a', 'a\\b', 'a//b', './a', 'a\nb', 'a/', '\ud800'])(
    'does not write the name %j',
    async (name) => {
      await expect(make(zipBytes(name, text('x')))).rejects.toThrow(TypeError);
    },
  );

  it('is the same when the directory waits in a scratch', async () => {
    const store = memoryStore();
    const entries = function* (): Generator<ZipInput> {
      for (let i = 0; i < 3000; i++) yield zipBytes(`pictures/frame_${i}.png`, Uint8Array.of(i, i >> 8));
    };
    const scratch = await store.scratch('directory');
    const copied: Uint8Array[] = [];
    for await (const piece of writeZip(entries(), { scratch })) copied.push(piece.slice());
    expect(concat(copied)).toEqual(await collect(writeZip(entries())));
    expect(scratch.length).toBeGreaterThan(100_000);
  });

  it('does not write a name twice', async () => {
    await expect(make(zipBytes('a', text('x')), zipBytes('a', text('y')))).rejects.toThrow('twice');
  });

  const end = good.length - 22;
  const line = (nth: number): number => find(good, central, nth);
  it.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), 'no end record'],
    ['a file that is cut', good.subarray(0, good.length - 1), 'no end record'],
    ['bytes before the archive', concat([text('junk'), good]), 'should end at byte'],
    ['bytes after the archive', concat([good, text('junk')]), 'no end record'],
    ['several disks', edit(good, (view) => view.setUint16(end + 4, 1, true)), 'several disks'],
    [
      'a count that is too low',
      edit(good, (view) => {
        view.setUint16(end + 8, 2, true);
        view.setUint16(end + 10, 2, true);
      }),
      'entries take',
    ],
    [
      'a count that is too high',
      edit(good, (view) => {
        view.setUint16(end + 8, 999, true);
        view.setUint16(end + 10, 999, true);
      }),
      'cannot hold 999',
    ],
    ['a directory elsewhere', edit(good, (view) => view.setUint32(end + 16, 5, true)), 'should end at byte'],
    ['a damaged directory', edit(good, (view) => view.setUint8(line(1), 0)), 'damaged'],
    ['encryption', edit(good, (view) => view.setUint16(line(0) + 8, 1, true)), '"aa" is encrypted'],
    ['an unknown compression', edit(good, (view) => view.setUint16(line(0) + 10, 93, true)), 'method 93'],
    ['a name twice', edit(good, (_, copy) => copy.set(text('aa'), line(2) + 46)), 'two entries are called "aa"'],
    ['a name that leaves the folder', edit(good, (_, copy) => copy.set(text('..'), line(2) + 46)), 'leaves its folder'],
    ['an absolute name', edit(good, (_, copy) => copy.set(text('/c'), line(2) + 46)), 'absolute'],
    ['a backslash', edit(good, (_, copy) => copy.set(text('\\c'), line(2) + 46)), 'backslash'],
    ['control characters', edit(good, (_, copy) => copy.set(text('\0c'), line(2) + 46)), 'control characters'],
    [
      'broken UTF-8',
      edit(good, (view, copy) => {
        view.setUint16(line(2) + 8, 0x800, true);
        copy[line(2) + 46] = 0xff;
      }),
      'UTF-8',
    ],
    [
      'a name that runs out of the directory',
      edit(good, (view) => view.setUint16(line(2) + 28, 9999, true)),
      'cut short',
    ],
    ['overlapping entries', edit(good, (view) => view.setUint32(line(2) + 42, 3, true)), 'overlaps'],
    ['an entry inside the directory', edit(good, (view) => view.setUint32(line(2) + 42, end, true)), 'overlaps'],
    ['a stored entry of two sizes', edit(good, (view) => view.setUint32(line(0) + 24, 6, true)), 'differ'],
    [
      'a size that deflate cannot reach',
      edit(good, (view) => view.setUint32(line(1) + 24, 0xfffffff0, true)),
      'deflate cannot do',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(InputError);
    await expect(open(bytes)).rejects.toThrow(message);
  });

  const local = (nth: number): number => find(good, 0x04034b50, nth);
  it.each<[string, Uint8Array, string, string]>([
    [
      'a changed byte',
      edit(good, (_, copy) => {
        copy[local(0) + 33]! ^= 1;
      }),
      'aa',
      'CRC-32',
    ],
    [
      'a broken deflate stream',
      edit(good, (_, copy) => {
        copy[local(1) + 32]! ^= 7;
      }),
      'bb',
      'damaged',
    ],
    [
      'a deflated entry that is longer than it said',
      edit(good, (view) => {
        view.setUint32(line(1) + 24, 3, true);
      }),
      'bb',
      'more than the 3 bytes',
    ],
    [
      'a deflated entry that is shorter than it said',
      edit(good, (view) => {
        view.setUint32(line(1) + 24, 9, true);
      }),
      'bb',
      'holds 6 bytes',
    ],
    ['no local header', edit(good, (view) => view.setUint8(local(0), 0)), 'aa', 'no header'],
    ['another local name', edit(good, (_, copy) => copy.set(text('xx'), local(0) + 30)), 'aa', 'another name'],
    [
      'another local compression',
      edit(good, (view) => view.setUint16(local(0) + 8, 8, true)),
      'aa',
      'another compression',
    ],
    ['another local size', edit(good, (view) => view.setUint32(local(0) + 18, 4, true)), 'aa', 'another size'],
    [
      'a local extra field over the next entry',
      edit(good, (view) => view.setUint16(local(0) + 28, 10, true)),
      'aa',
      'overlaps',
    ],
    [
      'another local ZIP64 size',
      edit(good, (view) => view.setUint32(local(0) + 18, 0xffffffff, true)),
      'aa',
      'another size',
    ],
    ['local encryption', edit(good, (view) => view.setUint16(local(0) + 6, 1, true)), 'aa', 'other flags'],
  ])('refuses to read an entry with %s, and only that one', async (_, bytes, name, message) => {
    const { entries } = await open(bytes);
    await expect(entries.get(name)!.read()).rejects.toThrow(InputError);
    await expect(entries.get(name)!.read()).rejects.toThrow(message);
    expect(await entries.get('cc')!.read()).toEqual(text('third'));
  });

  it('compares the own header of every entry when it is asked to', async () => {
    await (await open(good)).checkHeaders();
    for (let bit = 0; bit < 16; bit++) {
      const bytes = edit(good, (_, copy) => {
        copy[line(2) + 46 + (bit >> 3)]! ^= 1 << (bit & 7);
      });
      // What makes a name impossible is seen at once.
      const checked = open(bytes).then((zip) => zip.checkHeaders());
      await expect(checked).rejects.toThrow(/another name|entry name|two entries/);
    }
    const named = await make(zipBytes('ü', text('x')));
    const unmarked = edit(named, (view, copy) => view.setUint16(find(copy, central) + 8, 0, true));
    await expect((await open(unmarked)).checkHeaders()).rejects.toThrow('other flags');
  });

  it('reads or refuses whatever becomes of an archive, and never fails otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 }),
        async (changes) => {
          const bytes = good.slice();
          for (const [at, value] of changes) bytes[at] = value;
          try {
            for (const entry of (await open(bytes)).entries.values()) await entry.read(1 << 20);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
