import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toldFrames, type OneByOne, type ToldFrame } from './told-frames.ts';

const frame = (n: number, key = false): string =>
  `[Parsed_showinfo_0 @ 0x1] [info] n:${String(n).padStart(4)} pts:${String(n * 10).padStart(7)} pts_time:${n}       pos:     1159 fmt:yuv420p cl:left sar:1/1 s:64x48 i:P iskey:${key ? 1 : 0} type:P \n`;
const colours =
  '[Parsed_showinfo_0 @ 0x1] [info] color_range:unknown color_space:unknown color_primaries:bt709 color_trc:unknown\n';
const left = (type = 2): string => `[info] decoder -> frame_pts:1 keyframe:0 frame_type:${type} time_base:1/10\n`;
const concealing = '[h264 @ 0x2] [info] concealing 12 DC, 12 AC, 12 MV errors in P frame\n';
const corrupt = '[warning] a.mp4: corrupt decoded frame in stream 0\n';
const failure = '[h264 @ 0x2] [error] error while decoding MB 2 0\n';

async function toldOf(text: string, oneByOne?: OneByOne, pieces = [text]): Promise<ToldFrame[]> {
  const stream = new PassThrough();
  const told = toldFrames(stream, oneByOne);
  for (const piece of pieces) stream.write(piece);
  stream.end();
  const found: ToldFrame[] = [];
  for (let next = await told.next(); next; next = await told.next()) found.push(next);
  return found;
}
const damages = async (text: string, more: Partial<OneByOne> = {}): Promise<ToldFrame['damage'][]> =>
  (await toldOf(text, { intraOnly: false, countedByDecoding: false, ...more })).map(({ damage }) => damage);

describe('frames that ffmpeg tells of', () => {
  test('are the same however what it says is cut', async () => {
    const text = frame(0, true) + colours + failure + frame(1) + colours + frame(2);
    const whole = await toldOf(text);
    expect(whole.map(({ tick, key, suspect }) => [tick, key, suspect])).toEqual([
      [0, true, false],
      [10, false, true],
      [20, false, true],
    ]);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(text.length), { maxLength: 6 }), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = edges.slice(1).map((to, i) => text.slice(edges[i], to));
        expect(await toldOf(text, undefined, pieces)).toEqual(whole);
      }),
    );
  });

  test('are suspect once it complained, in the middle of a line too', async () => {
    const glued = [
      frame(1).replace(/\n$/, 'overread 8\n') + '\n',
      colours.replace('unknown color_space', 'unknowncorrupt decoded frame\n color_space'),
      colours.replace('bt709', 'bt709error while decoding MB 2 0\n'),
    ];
    for (const complaint of [failure, concealing, corrupt, '[warning] corrupt input packet in stream 0\n', ...glued]) {
      const suspects = (await toldOf(frame(0) + complaint + frame(2))).map(({ suspect }) => suspect);
      expect(suspects.at(0), complaint).toBe(false);
      expect(suspects.at(-1), complaint).toBe(true);
    }
  });

  test('are not suspect of what is no complaint', async () => {
    const harmless = `${colours}[swscaler @ 0x3] [warning] deprecated pixel format used\n[info] Stream mapping:\n[Parsed_showinfo_0 @ 0x1] [info]   side data - User Data Unregistered:\n[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/10240, frame_rate: 10/1\n`;
    const [told] = await toldOf(harmless + frame(0));
    expect(told).toMatchObject({ suspect: false, timeBase: [1, 10240], width: 64, height: 48, damage: undefined });
  });

  test('are damaged as the decoder says one by one, though the filter lags behind', async () => {
    const text = left() + left() + concealing + corrupt + left() + left() + [0, 1, 2, 3].map((n) => frame(n)).join('');
    expect(await damages(text)).toEqual([undefined, undefined, 'damaged', undefined]);
  });

  test('are damaged where they come before the one that they are made of', async () => {
    const text = concealing + left(2) + left(3) + left(3) + corrupt + left(1) + left(3);
    expect(await damages(text + [0, 1, 2, 3, 4].map((n) => frame(n)).join(''))).toEqual([
      ...[undefined, 'damaged', 'damaged', 'damaged'],
      undefined,
    ]);
  });

  test('are damaged by any error where none is made of others, unless no frame came of it', async () => {
    const error = '[mjpeg @ 0x2] [error] overread 8\n';
    const lost = '[error] Error while decoding stream #0:0: Invalid data found when processing input\n';
    const text = left() + error + left() + error + lost + left() + [0, 1, 3].map((n) => frame(n)).join('');
    expect(await damages(text, { intraOnly: true, countedByDecoding: true })).toEqual([
      undefined,
      'damaged',
      undefined,
    ]);
    expect(await damages(text)).toEqual([undefined, undefined, undefined]);
    expect(await damages(text, { countedByDecoding: true })).toEqual([undefined, undefined, 'after a loss']);
  });

  test('are damaged where the decoder says nothing of them', async () => {
    expect(await damages(left() + frame(0) + frame(1))).toEqual([undefined, 'damaged']);
  });
});
