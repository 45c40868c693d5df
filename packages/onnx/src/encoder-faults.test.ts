// What goes wrong on a device: its process is killed, its memory does not suffice, it is lost. GPUs are imitated: their
// sessions run on the CPU, with the faults at the session's boundary.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { openEncoder, type Encoder, type EncoderOptions } from './encoder.ts';
import { parseDevice } from './devices.ts';
import type { OpenGraphOptions } from './open-graph.ts';
import type { Session, Tensors } from './session.ts';
import { toyFamily, toyWeights, waves } from './testing/toy-family.ts';

/** Called with each call of a session before it is made. */
type Fault = (call: { device: string; batch: number; session: Session }) => void | Promise<void>;
const imitated = vi.hoisted(() => ({
  fault: (() => undefined) as Fault,
  opening: (_device: string): void => undefined,
}));

vi.mock('./open-graph.ts', async (load) => {
  const actual = await load<typeof import('./open-graph.ts')>();
  return {
    async openGraph(family: never, placed: never, graph: never, options: OpenGraphOptions): Promise<Session> {
      imitated.opening(options.plan.name);
      const cpu = parseDevice('cpu');
      const session = await actual.openGraph(family, placed, graph, { ...options, threads: 1, plan: cpu });
      return {
        pid: session.pid,
        get alive() {
          return session.alive;
        },
        close: () => session.close(),
        async run(feeds: Tensors, signal?: AbortSignal) {
          const batch = Math.max(...Object.values(feeds).map(({ shape }) => shape[0]!));
          await imitated.fault({ device: options.plan.name, batch, session });
          return session.run(feeds, signal);
        },
      };
    },
  };
});

const home = mkdtempSync(join(tmpdir(), 'deepearth-faults-'));
const folder = join(home, 'model');
let checkpoint: Checkpoint;
beforeAll(async () => {
  process.env['DEEPEARTH_CACHE'] = join(home, 'cache');
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), '{"model_type":"toy"}');
  writeFileSync(join(folder, 'model.safetensors'), await toyWeights());
  checkpoint = await openCheckpoint(toyFamily, folder);
});
afterAll(async () => {
  await checkpoint.close();
  rmSync(home, { recursive: true, force: true });
});
beforeEach(() => {
  imitated.fault = () => undefined;
  imitated.opening = () => undefined;
});

const noise = (seed: number, ...shape: number[]): Tensor<'float32'> =>
  tensor(
    'float32',
    shape,
    waves(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
  );
/** Clips of two frames, of which each is a sequence: a call of so many clips has twice as many. */
const clips = (seed: number, count: number): Tensor<'float32'> => noise(seed, count, 2, 3, 8, 6);

async function using<T>(options: EncoderOptions, work: (encoder: Encoder, said: string[]) => Promise<T>): Promise<T> {
  const said: string[] = [];
  const encoder = await openEncoder(checkpoint, { threads: 1, log: (message) => said.push(message), ...options });
  try {
    return await work(encoder, said);
  } finally {
    await encoder.close();
  }
}

const memoryError = (): never => {
  throw new DeepEarthError(
    'Non-zero status code returned while running MatMul node. bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 40',
    { code: 'E_ONNX_RUNTIME' },
  );
};

test('a process that is killed at any moment is started again, and the tokens are the same bytes', () =>
  using({}, async (encoder, said) => {
    const seeds = [1, 2, 3, 4];
    const expected = await Promise.all(seeds.map((seed) => encoder.encode(clips(seed, 2))));
    let kills = 0;
    for (const [index, seed] of seeds.entries()) {
      // Before the call, in it or after it; two deaths are endured, a third of one input is not.
      let left = 1 + (seed % 2);
      imitated.fault = ({ session }) => {
        if (left-- <= 0) return;
        kills++;
        const kill = () => session.alive && process.kill(session.pid, 'SIGKILL');
        if (seed % 2) kill();
        else setTimeout(kill, index * 0.9);
      };
      expect((await encoder.encode(clips(seed, 2))).tokens).toEqual(expected[index]!.tokens);
    }
    expect(kills).toBe(6);
    expect(said[0]).toMatch(/^cpu: the model's process was killed by SIGKILL.*started again/s);
  }));

test('what kills its process each time fails after three, by the device and the signal; what comes then is encoded', () =>
  using({}, async (encoder) => {
    const poison = clips(9, 1);
    const good = (await encoder.encode(clips(1, 1))).tokens;
    let deaths = 0;
    imitated.fault = ({ session }) => {
      deaths++;
      process.kill(session.pid, 'SIGKILL');
    };
    await expect(encoder.encode(poison)).rejects.toMatchObject({
      code: 'E_SESSION_ENDED',
      message: expect.stringMatching(/^device cpu failed 3 times with the same input: .*SIGKILL/s) as string,
    });
    expect(deaths).toBe(3);
    imitated.fault = () => undefined;
    expect((await encoder.encode(clips(1, 1))).tokens).toEqual(good);
  }));

test('a batch that kills its process twice is divided', () =>
  using({}, async (encoder) => {
    const expected = (await encoder.encode(clips(1, 4))).tokens;
    const batches: number[] = [];
    imitated.fault = ({ batch, session }) => {
      batches.push(batch);
      if (batch > 4) process.kill(session.pid, 'SIGKILL');
    };
    const { tokens, globals } = await encoder.encode(clips(1, 4));
    expect(batches).toEqual([8, 8, 4, 4]);
    expect(tokens.shape).toEqual(expected.shape);
    expect(globals!.shape[0]).toBe(4);
    tokens.data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i]!, 5));
  }));

test('a batch that does not fit is halved until it does, said once for each size and kept', () =>
  using({}, async (encoder, said) => {
    const expected = (await encoder.encode(clips(1, 8))).tokens;
    const batches: number[] = [];
    imitated.fault = ({ batch }) => {
      batches.push(batch / 2);
      if (batch / 2 > 2) memoryError();
    };
    const { tokens } = await encoder.encode(clips(1, 8));
    expect(batches).toEqual([8, 4, 2, 2, 2, 2]);
    tokens.data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i]!, 5));
    await encoder.encode(clips(2, 5));
    expect(batches.slice(6)).toEqual([2, 2, 1]);
    expect(said.filter((line) => line.includes('do not fit'))).toEqual([
      'cpu: 8 in one call do not fit into its memory; from now on it is 4.',
      'cpu: 4 in one call do not fit into its memory; from now on it is 2.',
    ]);
    // Another size of input is tried anew.
    await expect(encoder.encode(noise(1, 3, 2, 3, 16, 6))).resolves.toBeDefined();
    expect(batches.slice(9)).toEqual([3, 1, 1, 1]);
  }));

test('one clip that does not fit is an error with a remedy, whoever says so', () =>
  using({}, async (encoder) => {
    for (const words of [
      'std::bad_alloc',
      'CUDA failure 2: out of memory ; GPU=0',
      'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED',
      'Array buffer allocation failed',
    ]) {
      imitated.fault = () => {
        throw new DeepEarthError(words, { code: 'E_ONNX_RUNTIME' });
      };
      await expect(encoder.encode(clips(1, 1))).rejects.toMatchObject({
        code: 'E_OUT_OF_MEMORY',
        message: expect.stringMatching(/cpu has not enough memory for 2 frames of 6 x 8 pixels.*cropSize/s) as string,
      });
    }
  }));

test('other failures are not taken for a lack of memory', () =>
  using({}, async (encoder) => {
    let calls = 0;
    imitated.fault = () => {
      calls++;
      throw new DeepEarthError('Invalid rank for input: x', { code: 'E_ONNX_RUNTIME' });
    };
    await expect(encoder.encode(clips(1, 4))).rejects.toThrow('Invalid rank');
    expect(calls).toBe(1);
  }));

test('a device that cannot be opened again leaves its work to the others', () =>
  using({ devices: ['cuda:0', 'cuda:1'] }, async (encoder, said) => {
    const seeds = [1, 2, 3, 4, 5, 6];
    const expected = await Promise.all(seeds.map((seed) => encoder.encode(clips(seed, 1))));
    const used: string[] = [];
    imitated.fault = ({ device, session }) => {
      used.push(device);
      if (device === 'cuda:1') process.kill(session.pid, 'SIGKILL');
    };
    imitated.opening = (device) => {
      if (device === 'cuda:1') throw new DeepEarthError('CUDA failure 999: unknown error', { code: 'E_ONNX_RUNTIME' });
    };
    const encoded = await Promise.all(seeds.map((seed) => encoder.encode(clips(seed, 1))));
    encoded.forEach(({ tokens }, i) => expect(tokens).toEqual(expected[i]!.tokens));
    expect(used.filter((device) => device === 'cuda:1')).toHaveLength(1);
    expect(said).toContainEqual(expect.stringMatching(/^cuda:1: cannot be used any more; the others go on\..*999/));
  }));

test('work goes to the device that is free', () =>
  using({ devices: ['cuda:0', 'cuda:1'] }, async (encoder) => {
    await Promise.all([1, 2].map((seed) => encoder.encode(clips(seed, 1))));
    const used: string[] = [];
    let freeSlow = (): void => undefined;
    imitated.fault = async ({ device }) => {
      used.push(device);
      if (device === 'cuda:0') await new Promise<void>((free) => (freeSlow = free));
      else if (used.length === 6) freeSlow();
    };
    await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => encoder.encode(clips(seed, 1))));
    expect(used.filter((device) => device === 'cuda:0')).toHaveLength(1);
  }));

test('without a GPU, in int8 and for a single clip there is nothing to try', async () => {
  let calls = 0;
  imitated.fault = () => void calls++;
  const sizes = (options: EncoderOptions, most: number) =>
    using(options, (encoder) => encoder.batchSizeFor(() => clips(1, 1), most));
  expect(await sizes({}, Infinity)).toBe(1);
  expect(await sizes({ precision: 'int8' }, Infinity)).toBe(1);
  expect(calls).toBe(0);
});

test('closing rejects what waits for a device', () =>
  using({}, async (encoder) => {
    const results = [1, 2, 3, 4].map((seed) => encoder.encode(clips(seed, 1)));
    const settled = Promise.allSettled(results);
    await encoder.close();
    expect((await settled).filter(({ status }) => status === 'rejected').length).toBeGreaterThan(1);
    await expect(encoder.encode(clips(1, 1))).rejects.toMatchObject({ code: 'E_DISPOSED' });
  }));
