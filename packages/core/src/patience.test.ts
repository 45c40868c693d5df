import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { DeepEarthError } from './errors.ts';
import { memoryStore } from './memory-store.ts';
import { graceMilliseconds, patiently } from './patience.ts';
import { definePipeline, use } from './pipeline.ts';
import { readManifest } from './read-manifest.ts';
import { run } from './run.ts';
import { defineSource } from './stage.ts';
import { spec } from './specs.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const stalled = (): undefined => undefined;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('waiting patiently', () => {
  test('settles as the work does, also after an abort', async () => {
    const stop = new AbortController();
    expect(await patiently(Promise.resolve(1), { signal: stop.signal, stalled })).toBe(1);
    await expect(patiently(Promise.reject(new Error('no')), { signal: stop.signal, stalled })).rejects.toThrow('no');
    stop.abort(new Error('stop'));
    expect(await patiently(Promise.resolve(2), { signal: stop.signal, stalled })).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(['before', 'after'])('gives work up that does not end when it was aborted %s it began', async (when) => {
    const stop = new AbortController();
    if (when === 'before') stop.abort(new Error('stop'));
    const ended = vi.fn();
    patiently(never(), { signal: stop.signal, stalled }).catch(ended);
    if (when === 'after') stop.abort(new Error('stop'));
    await vi.advanceTimersByTimeAsync(graceMilliseconds - 1);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ message: 'stop' }));
  });

  test('asks what to do when the process has nothing left to do, and listens to it no longer than it waits', async () => {
    const listeners = process.listenerCount('beforeExit');
    const waiting = [1, 2].map((n) =>
      patiently(never(), { signal: new AbortController().signal, stalled: () => new Error(`stalled ${n}`) }),
    );
    expect(process.listenerCount('beforeExit')).toBe(listeners + 1);
    const ends = Promise.allSettled(waiting);
    process.emit('beforeExit', 0);
    await vi.runAllTimersAsync();
    expect((await ends).map((end) => (end as PromiseRejectedResult).reason.message)).toEqual([
      'stalled 1',
      'stalled 2',
    ]);
    expect(process.listenerCount('beforeExit')).toBe(listeners);
  });
});

describe('a run with a stage that never ends', () => {
  const stuck = (where: 'open' | 'process' | 'close') =>
    defineSource({
      type: 'stuck',
      summary: 'Never ends.',
      options: z.strictObject({}),
      examples: [],
      describe: () => ({ output: spec('frame', {}, null) }),
      open: () => (where === 'open' ? never() : Promise.resolve(0)),
      async *process(_, { signal }) {
        if (where === 'process') await never();
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      close: () => (where === 'close' ? never() : undefined),
    });

  test.each(['open', 'process', 'close'] as const)('in its %s ends when it is cancelled', async (where) => {
    const [store, stop] = [memoryStore(), new AbortController()];
    const running = run(definePipeline([use(stuck(where))]), { store, signal: stop.signal });
    const events = lastValueFrom(running.events$.pipe(toArray()));
    const ended = expect(running.result).rejects.toThrow('cancelled');
    await vi.advanceTimersByTimeAsync(10);
    stop.abort();
    await vi.advanceTimersByTimeAsync(graceMilliseconds + 10);
    await ended;
    const manifest = await readManifest(store);
    expect(manifest).toMatchObject({ status: 'cancelled' });
    expect(manifest!.warnings).toContainEqual({
      stage: 'stuck',
      message: expect.stringContaining('had not ended') as string,
    });
    expect((await events).at(-1)).toMatchObject({ type: 'run-finished', status: 'cancelled' });
    await (await store.lock()).release();
  });

  test('fails with its name when the process has nothing left to do', async () => {
    const store = memoryStore();
    const running = run(definePipeline([use(stuck('process'))]), { store });
    const ended = expect(running.result).rejects.toMatchObject({ code: 'E_STALLED', stage: 'stuck' });
    await vi.advanceTimersByTimeAsync(10);
    for (let turn = 0; turn < 2; turn++) {
      process.emit('beforeExit', 0);
      await vi.advanceTimersByTimeAsync(10);
    }
    await ended;
    expect(await readManifest(store)).toMatchObject({ status: 'failed' });
  });

  test('fails as the program says when that aborts it with an error of its own', async () => {
    const [store, stop] = [memoryStore(), new AbortController()];
    const running = run(definePipeline([use(stuck('open'))]), { store, signal: stop.signal });
    const ended = expect(running.result).rejects.toThrow('a stray error');
    await vi.advanceTimersByTimeAsync(10);
    stop.abort(new DeepEarthError('a stray error', { code: 'E_STRAY' }));
    await vi.advanceTimersByTimeAsync(graceMilliseconds);
    await ended;
    expect(await readManifest(store)).toMatchObject({ status: 'failed', message: 'a stray error' });
  });
});
