import { expect, test } from 'vitest';
import { retried, retrying } from './on-error.ts';

test('tries again as often as it is told, and gives the result or the last error', async () => {
  let tries = 0;
  const work = (good: number) => () => {
    if (++tries < good) throw new Error(`try ${tries}`);
    return 'done';
  };
  const policy = { retry: 2, delaySeconds: 0, then: 'fail' } as const;
  const { signal } = new AbortController();
  expect(await retrying(policy, signal, work(3))).toBe('done');
  expect(tries).toBe(3);
  tries = 0;
  await expect(retrying(policy, signal, work(9))).rejects.toThrow('try 3');
  expect(await retried(() => undefined, { pause: () => 0 })).toBeUndefined();
});

test('ends with the error that is not worth another try, or with what pause throws', async () => {
  let tries = 0;
  const fail = () => {
    throw new Error(`try ${++tries}`);
  };
  await expect(retried(fail, { pause: (_, failures) => (failures < 2 ? 0 : undefined) })).rejects.toThrow('try 2');
  const pause = (): never => {
    throw new Error('other');
  };
  await expect(retried(fail, { pause })).rejects.toThrow('other');
});

test('leaves a pause when it is aborted', async () => {
  const stop = new AbortController();
  const waiting = retried(
    () => {
      throw new Error('again');
    },
    {
      signal: stop.signal,
      pause: () => {
        setTimeout(() => stop.abort(new Error('stop it')));
        return 1e9;
      },
    },
  );
  await expect(waiting).rejects.toThrow('stop it');
});
