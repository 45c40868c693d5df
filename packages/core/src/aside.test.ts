import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { aside } from './aside.ts';
import type { Artifact, Frame } from './items.ts';
import { readableFrame } from './readable-frame.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A disk that forgets: what is put there is no longer in memory. */
const endless = () => {
  let length = 0;
  return {
    append: async (bytes: Uint8Array) => {
      length += bytes.byteLength;
      return length - bytes.byteLength;
    },
    read: () => Promise.reject(new Error('not read')),
    clear: async () => undefined,
  };
};

const reader: Parameters<typeof readableFrame>[1] = () => Promise.reject(new Error('not read'));
const artifact = (number: number): Artifact => ({
  ...{ kind: 'artifact', id: `pictures/frame_${number}.png`, key: `${number}`.padStart(32, '0') },
  ...{ path: `pictures/frame_${number}.png`, bytes: 1000 + number, sha256: `${number}`.padStart(64, '0') },
  ...{ mediaType: 'image/png', about: { kind: 'picture', sequence: 'north', frames: [number] } },
});
const frame = (number: number): Frame =>
  readableFrame(
    {
      ...{ kind: 'frame', id: `frame-${number}`, key: `${number}`, sequence: 'north', number, width: 8, height: 8 },
      locator: { source: 'source/made', uri: `made:${number}` },
    },
    reader,
  );

test.each<[string, (number: number) => object]>([
  ['artifacts', artifact],
  ['frames that their source reads', frame],
  ['pictures', (number) => ({ id: `${number}`, pixels: new Uint8Array(192), frame: frame(number), layer: 'pca' })],
])('%s that wait leave nothing in memory', async (_, made) => {
  const queue = aside<object>(async () => endless());
  const push = async (from: number, to: number): Promise<number> => {
    for (let number = from; number < to; number++) await queue.push(made(number));
    collect();
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  };
  const few = await push(0, 1000);
  const many = await push(1000, 21_000);
  expect((many - few) / 20_000).toBeLessThan(40);
  await queue.shift();
});
