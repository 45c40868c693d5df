import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '@deepearth/core/errors';
import { tensor, zeros, type Tensor } from '@deepearth/core/tensor';
import { blobSource, bytesSource, collect, readChunks, sliceSource } from './bytes.ts';
import { openFile } from './file-source-node.ts';
import { inspectFile, inspectionJson } from './inspect.ts';
import { inspectionText } from './inspect-text.ts';
import { encodeNpy } from './npy.ts';
import { encodeNpz } from './npz.ts';
import { encodePt } from './pt-writer.ts';
import { encodeSafetensors } from './safetensors.ts';
import { readTensorFile } from './tensor-file-node.ts';
import { writeFileWhole } from './write-file-node.ts';
import { openZip } from './zip.ts';
import { writeZip, zipBytes } from './zip-writer.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'formats-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const a: Tensor = tensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4));
const b: Tensor = tensor('int64', [1], BigInt64Array.of(2n ** 60n));

describe('byte sources', () => {
  it('read the same from memory, a Blob, a file and a slice', async () => {
    const path = join(folder, 'bytes');
    await writeFile(path, text('0123456789'));
    const file = await openFile(path);
    for (const source of [
      bytesSource(text('0123456789')),
      blobSource(new Blob(['0123456789'])),
      file,
      sliceSource(bytesSource(text('ab0123456789c')), 2, 10),
    ]) {
      expect(source.size).toBe(10);
      expect(await source.read(3, 4)).toEqual(text('3456'));
      expect(await source.read(10, 0)).toEqual(text(''));
      expect(await collect(readChunks(source, 1, 8, undefined, 3))).toEqual(text('12345678'));
      for (const [offset, length] of [
        [7, 4],
        [-1, 2],
        [0, -1],
        [0.5, 1],
        [11, 0],
        [0, 2 ** 60],
      ] as const)
        await expect(source.read(offset, length)).rejects.toThrow(InputError);
      const stopped = new AbortController();
      stopped.abort(new Error('enough'));
      await expect((async () => source.read(0, 1, stopped.signal))()).rejects.toThrow('enough');
    }
    await file.close();
    await file.close();
  });

  it('say what is wrong with a path', async () => {
    await expect(openFile(join(folder, 'nothing'))).rejects.toThrow('there is no such file');
    await expect(openFile(folder)).rejects.toThrow('is a folder');
  });

  it('notice a file that shrinks while it is read', async () => {
    const path = join(folder, 'shrinking');
    await writeFile(path, text('0123456789'));
    const file = await openFile(path);
    await truncate(path, 4);
    await expect(file.read(2, 6)).rejects.toThrow('ends at byte 4, though it had 10 bytes');
    await file.close();
  });
});

describe('writing a file whole', () => {
  it('returns size and digest, and replaces what was there', async () => {
    const path = join(folder, 'new/folder/file.bin');
    await writeFileWhole(path, [text('old')]);
    const written = await writeFileWhole(path, [text('abc'), text(''), text('def')]);
    expect(written).toEqual({
      path,
      bytes: 6,
      sha256: 'bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721',
    });
    expect(await readFile(path, 'utf8')).toBe('abcdef');
  });

  it('leaves nothing behind when the content fails or the run is stopped, and keeps what was there', async () => {
    const path = join(folder, 'kept/file.bin');
    await writeFileWhole(path, [text('kept')]);
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield text('half');
      throw new Error('the disk is full');
    };
    await expect(writeFileWhole(path, broken())).rejects.toThrow('the disk is full');
    const stop = new AbortController();
    const endless = function* (): Generator<Uint8Array> {
      for (let i = 0; ; i++) {
        if (i === 3) stop.abort(new Error('stopped'));
        yield text('x');
      }
    };
    await expect(writeFileWhole(path, endless(), stop.signal)).rejects.toThrow('stopped');
    expect(await readdir(join(folder, 'kept'))).toEqual(['file.bin']);
    expect(await readFile(path, 'utf8')).toBe('kept');
  });
});

describe('tensor files', () => {
  it('are told apart by content, not by name, and are read when asked', async () => {
    const files: [string, Uint8Array, string[]][] = [
      ['safetensors', await encodeSafetensors({ a, b }, { note: 'hi' }), ['b', 'a']],
      ['npz', await encodeNpz({ a, b }), ['a', 'b']],
      ['pt', await encodePt({ a, inner: [{ b }] }), ['a', 'inner.0.b']],
      ['pt', await encodePt(a), ['tensor']],
      ['npy', encodeNpy(a), ['tensor']],
    ];
    for (const [format, bytes, names] of files) {
      const path = join(folder, 'some.data');
      await writeFile(path, bytes);
      const file = await readTensorFile(path);
      expect([file.format, [...file.tensors.keys()]]).toEqual([format, names]);
      expect(await file.tensor(names.length === 1 ? undefined : 'a').read()).toEqual(a);
      if (format === 'safetensors') expect(file.metadata.get('note')).toBe('hi');
      if (names.length > 1) {
        expect(() => file.tensor()).toThrow(
          expect.objectContaining({
            code: 'E_TENSOR_UNNAMED',
            message: expect.stringContaining('holds 2 tensors') as string,
          }),
        );
        expect(() => file.tensor('c')).toThrow('has no tensor "c"; it has');
      }
      await file.close();
    }
  });

  it('refuse what holds no tensors', async () => {
    const path = join(folder, 'other');
    await writeFile(path, await collect(writeZip([zipBytes('a.txt', text('x'))])));
    await expect(readTensorFile(path)).rejects.toThrow('neither a .pt nor a .npz');
    await writeFile(path, '<html>');
    await expect(readTensorFile(path)).rejects.toThrow('it starts with "<html>"');
    await writeFile(path, await encodePt({ none: 1 }));
    const empty = await readTensorFile(path);
    expect(() => empty.tensor()).toThrow(expect.objectContaining({ code: 'E_NO_TENSORS' }));
    await empty.close();
    await symlink(join(folder, 'gone'), join(folder, 'dangling'));
    await expect(readTensorFile(join(folder, 'dangling'))).rejects.toThrow('no such file');
  });
});

describe('inspecting', () => {
  it('describes each format with exact values', async () => {
    const digestOf = async (bytes: Uint8Array): Promise<unknown> =>
      (await inspectFile(bytesSource(bytes, 'f'), { digest: true })).holds;
    const inA = {
      tensor: true,
      dtype: 'float32',
      shape: [2, 2],
      first: [1, 2, 3, 4],
      sha256: expect.any(String) as string,
    };
    expect(await digestOf(await encodeSafetensors({ a }))).toEqual({ a: inA });
    expect(await digestOf(await encodeNpz({ a }))).toEqual({ a: inA });
    expect(await digestOf(encodeNpy(a))).toEqual(inA);
    expect(await digestOf(await encodePt({ a }))).toEqual({ a: inA });
    expect(inspectionJson(await digestOf(encodeNpy(b)), 0)).toContain('"first": [1152921504606846976]');
    expect(await digestOf(await collect(writeZip([zipBytes('a.txt', text('abc'))])))).toEqual({
      'a.txt': {
        bytes: 3,
        compression: 'stored',
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      },
    });
  });

  it('reads no values without being asked, but checks small files for damage', async () => {
    const bytes = await encodePt({ a });
    expect((await inspectFile(bytesSource(bytes))).holds).toEqual({
      a: { tensor: true, dtype: 'float32', shape: [2, 2] },
    });
    const damaged = bytes.slice();
    const data = new Uint8Array((a.data as Float32Array).buffer);
    const start = damaged.findIndex((_, i) => data.every((byte, k) => damaged[i + k] === byte));
    damaged[start]! ^= 1;
    await expect(inspectFile(bytesSource(damaged, 'x.pt'))).rejects.toThrow('x.pt: entry "archive/data/0" is damaged');
  });

  it('refuses to digest the same values thousands of times', async () => {
    // 16 MiB of zeros, deflated to some KiB, as the value of 100 tensors.
    const t = zeros('uint8', [1 << 24]);
    const { entries } = await openZip(bytesSource(await encodePt(Array.from({ length: 100 }, () => ({ ...t })))));
    const deflated = await collect(
      writeZip(
        [...entries.values()].map(({ name, size, chunks }) => ({
          name,
          size,
          chunks,
          compression: 'deflated' as const,
        })),
      ),
    );
    expect(deflated.byteLength).toBeLessThan(1 << 16);
    await expect(inspectFile(bytesSource(deflated), { digest: true })).rejects.toThrow('too much to read');
  });

  it('shows values to people without letting names command their terminal', async () => {
    const bytes = await encodePt(
      new Map<string, never>([
        [
          'red\u001b[31m',
          {
            a,
            list: Array.from({ length: 300 }, (_, i) => i),
            text: 'x'.repeat(200),
            nested: [[1, { deep: 2 }]],
          } as never,
        ],
      ]),
    );
    const shown = inspectionText(await inspectFile(bytesSource(bytes, 'f.pt'), { digest: true }));
    expect(shown).toContain('red\\u001b[31m');
    expect(shown).not.toContain('\u001b');
    expect(shown).toContain('tensor float32 [2 x 2]  = 1, 2, 3, 4');
    expect(shown).toContain('… (300)');
    expect(shown).toContain('… (200 characters)');
  });

  it('prints JSON in which a float stays one, however large', () => {
    expect(inspectionJson([2 ** 53 - 1, 2 ** 60, -1e300, 0.5], 0)).toBe(
      '[9007199254740991, 1152921504606847000.0, -1e+300, 0.5]',
    );
  });

  it('sorts sets as Python does, by code points', async () => {
    const described = await inspectFile(
      bytesSource(await encodePt(new Set(['\ufd8b', '\u{16B13}', '', 'b', 'ab', 'a']))),
    );
    expect(described.holds).toEqual({ set: ['', 'a', 'ab', 'b', '\ufd8b', '\u{16B13}'] });
  });

  it('prints JSON that keeps every digit and sign', () => {
    expect(inspectionJson({ a: [1n << 62n, -0, 0.1, null, true], b: {}, c: [], d: undefined })).toBe(
      '{\n "a": [4611686018427387904, -0.0, 0.1, null, true],\n "b": {},\n "c": []\n}',
    );
  });
});
