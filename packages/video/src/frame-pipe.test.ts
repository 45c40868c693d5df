import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { framePipe, type FramePipe } from './frame-pipe.ts';

afterEach(() => vi.unstubAllGlobals());

/** A system without Unix sockets. */
const withoutSockets = (): void => void vi.stubGlobal('process', { ...process, platform: 'win32' });

/** A pipe out of which these bytes come, in pieces of any lengths. */
async function pipeOf(way: 'socket' | 'pipe', frameBytes: number, pieces: readonly Uint8Array[]): Promise<FramePipe> {
  if (way === 'pipe') withoutSockets();
  const pipe = await framePipe(frameBytes);
  if (way === 'pipe') {
    expect(pipe.output).toBe('pipe');
    pipe.started(Readable.from(pieces, { objectMode: false }));
  } else {
    const output = pipe.output as Socket;
    for (const piece of pieces) output.write(piece);
    output.end();
  }
  return pipe;
}

async function framesOf(pipe: FramePipe): Promise<number[][]> {
  const frames: number[][] = [];
  for (let frame = await pipe.next(); frame; frame = await pipe.next()) frames.push([...frame]);
  pipe.close();
  return frames;
}

const ways = ['socket', 'pipe'] as const;

describe.each(ways.filter((way) => way === 'pipe' || process.platform !== 'win32'))('through a %s', (way) => {
  test('bytes come as frames, whatever the pieces; what is left of one at the end is none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 12 }),
        async (frameBytes, pieces) => {
          const all = pieces.flatMap((piece) => [...piece]);
          const expected = Array.from({ length: Math.floor(all.length / frameBytes) }, (_, i) =>
            all.slice(i * frameBytes, (i + 1) * frameBytes),
          );
          expect(await framesOf(await pipeOf(way, frameBytes, pieces))).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('the memory of a frame that is given back is used again, and no frame that is kept', async () => {
    const size = 2 ** 20;
    const pieces = [1, 2, 3, 4, 5].map((value) => new Uint8Array(size).fill(value));
    const pipe = await pipeOf(way, size, pieces);
    const first = (await pipe.next())!;
    const second = (await pipe.next())!;
    pipe.reuse(first);
    const rest = [await pipe.next(), await pipe.next(), await pipe.next()];
    expect([second, ...rest].map((frame) => [frame![0], frame!.at(-1)])).toEqual(
      [2, 3, 4, 5].map((value) => [value, value]),
    );
    expect(rest.some((frame) => frame!.buffer === first.buffer)).toBe(true);
    expect(await pipe.next()).toBeUndefined();
    pipe.close();
  });

  test('a program waits while nobody reads', async () => {
    if (way === 'pipe') withoutSockets();
    const size = 2 ** 20;
    const pipe = await framePipe(size);
    const script = `const part = Buffer.alloc(${size}); let n = 0;
      (function more() { if (n++ < 40) process.stdout.write(part, () => { process.stderr.write('.'); more(); }); })();`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', pipe.output, 'pipe'] });
    pipe.started(child.stdout);
    let written = 0;
    child.stderr!.on('data', (dots: Buffer) => (written += dots.length));
    await pipe.next();
    let before = -1;
    while (written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(written).toBeLessThan(8);
    let count = 1;
    while (await pipe.next()) count++;
    expect(count).toBe(40);
    pipe.close();
  });

  test('whoever waits for a frame is told when the pipe is closed, and when there was no program', async () => {
    if (way === 'pipe') withoutSockets();
    const closed = await framePipe(10);
    if (way === 'pipe') closed.started(new Readable({ read: () => undefined }));
    const waiting = closed.next();
    closed.close();
    expect(await waiting).toBeUndefined();
    const nothing = await framePipe(10);
    nothing.started(null);
    expect(await nothing.next()).toBeUndefined();
    nothing.close();
  });
});
