// The lock of a place in a bucket: one run at a time, taken over from a run that died by exactly one other.

import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { InputError } from '@deepearth/core/errors';
import type { StoreLock } from '@deepearth/core/store';
import { isRunning, ownHolder, type Holder } from './lock-holder.ts';
import type { S3Client } from './s3-client.ts';
import { getText, putText, putTextIf, removeObject, type S3Text } from './s3-objects.ts';

/** How a lease shows that its holder lives, and how long others wait. */
export interface LeaseTimes {
  readonly beatMilliseconds: number;
  /** Others take a lease over that has not changed for so long. */
  readonly watchMilliseconds: number;
  /** Without conditional writes: from writing a lease to reading it back; more than two beats. */
  readonly settleMilliseconds: number;
}

const usual: LeaseTimes = { beatMilliseconds: 3000, watchMilliseconds: 30_000, settleMilliseconds: 7000 };
const tries = 8;

/** The right to write below a prefix. */
export interface Lease extends StoreLock {
  /** Makes sure that nobody else has taken it, before something is written. Throws an `InputError` (`E_LOCK_LOST`). */
  hold(): Promise<void>;
}

/** What a lease object holds. */
interface Content extends Holder {
  /** Counted on by its holder for as long as it lives. */
  readonly beat: number;
}

/**
 * Takes the lease below a prefix: an object that names its holder, who writes it again every few seconds. Who finds one
 * watches it, and takes it over when it does not change, or at once when its process is known to be dead; clocks are
 * not compared.
 *
 * Where the server knows conditional writes, which is tried, each write is one: of two that find the same, one
 * succeeds. Elsewhere a run writes its token, waits, and is in when it reads its own token: whoever wrote last. A
 * holder reads before each of its beats and gives up when it finds another's, which is before that other has waited.
 *
 * Throws an `InputError` (`E_OUTPUT_BUSY`) while another run holds it.
 */
export async function takeLease(
  client: S3Client,
  prefix: string,
  name: string,
  times: LeaseTimes = usual,
): Promise<Lease> {
  const key = `${prefix}lock`;
  const mine = ownHolder(randomBytes(16).toString('hex'));
  const conditional = await knowsConditions(client, `${prefix}probe-${mine.token}`);
  const first = textOf(mine, 0);
  let found: S3Text | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    found = await getText(client, key);
    if (found && (await isAlive(client, key, found, mine, times))) break;
    if (conditional) {
      const condition = found ? { 'if-match': found.etag } : ({ 'if-none-match': '*' } as const);
      const etag = (await putTextIf(client, key, first, condition)) ?? (await ownEtag(client, key, mine));
      if (etag !== undefined) return held(client, key, mine, etag, times);
    } else if ((await getText(client, key))?.text === found?.text) {
      await putText(client, key, first);
      await pause(times.settleMilliseconds);
      if (isOf(await getText(client, key), mine)) return held(client, key, mine, undefined, times);
    }
    await pause(randomInt(times.beatMilliseconds));
  }
  const holder = contentOf(found);
  throw new InputError(
    name,
    `another run${holder ? ` (process ${holder.pid} on ${holder.host})` : ''} is writing here.`,
    { code: 'E_OUTPUT_BUSY', remedy: 'Wait for it, stop it, or choose another --output.' },
  );
}

/** Whether a living run holds the lease below a prefix; nothing is changed. */
export async function isLeased(client: S3Client, prefix: string, times: LeaseTimes = usual): Promise<boolean> {
  const key = `${prefix}lock`;
  const found = await getText(client, key);
  return found !== undefined && (await isAlive(client, key, found, ownHolder(''), times));
}

/** Whether a server refuses writes whose condition does not hold, instead of ignoring the condition. */
async function knowsConditions(client: S3Client, key: string): Promise<boolean> {
  const etag = await putText(client, key, 'first');
  try {
    const again = await putTextIf(client, key, 'second', { 'if-none-match': '*' });
    const other = await putTextIf(client, key, 'third', { 'if-match': '"00000000000000000000000000000000"' });
    const same = await putTextIf(client, key, 'fourth', { 'if-match': etag });
    return again === undefined && other === undefined && same !== undefined;
  } finally {
    await removeObject(client, key);
  }
}

const textOf = (holder: Holder, beat: number): string => JSON.stringify({ ...holder, beat } satisfies Content);

function contentOf(found: S3Text | undefined): Content | undefined {
  try {
    const content = JSON.parse(found?.text ?? '') as Content | null;
    return typeof content?.token === 'string' ? content : undefined;
  } catch {
    return undefined;
  }
}

const isOf = (found: S3Text | undefined, { token }: Holder): boolean => contentOf(found)?.token === token;

/** What the server calls this holder's lease: the answer to a write that succeeded may have been lost. */
async function ownEtag(client: S3Client, key: string, mine: Holder): Promise<string | undefined> {
  const found = await getText(client, key);
  return isOf(found, mine) ? found!.etag : undefined;
}

/** Whether the holder of a lease lives: its process, where that can be seen, else whether its lease changes. */
async function isAlive(
  client: S3Client,
  key: string,
  found: S3Text,
  mine: Holder,
  { beatMilliseconds, watchMilliseconds }: LeaseTimes,
): Promise<boolean> {
  const holder = contentOf(found);
  const running = holder && isRunning(holder, mine);
  if (running !== undefined) return running && holder!.token !== mine.token;
  const end = performance.now() + watchMilliseconds;
  while (performance.now() < end) {
    await pause(Math.min(beatMilliseconds, watchMilliseconds / 2));
    const now = await getText(client, key);
    // Given up by its holder, or taken over by another.
    if (!now) return false;
    if (now.text !== found.text) return true;
  }
  return false;
}

/** `etag` is that of the lease where the server knows conditions. */
function held(client: S3Client, key: string, mine: Holder, etag: string | undefined, times: LeaseTimes): Lease {
  const { beatMilliseconds, watchMilliseconds, settleMilliseconds } = times;
  const conditional = etag !== undefined;
  // Others may be in after this, so whoever has been silent for longer makes sure before it writes.
  const freshMilliseconds = conditional ? (watchMilliseconds * 2) / 3 : settleMilliseconds - beatMilliseconds;
  const lost = new AbortController();
  let beats = 0;
  let proven = performance.now();
  let beating: Promise<void> | undefined;

  async function beat(): Promise<void> {
    lost.signal.throwIfAborted();
    const began = performance.now();
    const text = textOf(mine, ++beats);
    if (conditional) {
      const next = (await putTextIf(client, key, text, { 'if-match': etag! })) ?? (await ownEtag(client, key, mine));
      if (next === undefined) throw lose();
      etag = next;
    } else {
      if (!isOf(await getText(client, key), mine)) throw lose();
      await putText(client, key, text);
    }
    proven = began;
  }

  function lose(): unknown {
    clearInterval(timer);
    lost.abort(
      new InputError(
        `s3://${client.bucket}/${key}`,
        'the lock of this run is gone: another run has taken it for dead.',
        {
          code: 'E_LOCK_LOST',
          remedy: 'Let one run at a time write here, and run again with --resume.',
        },
      ),
    );
    return lost.signal.reason;
  }

  const beatOnce = (): Promise<void> => (beating ??= beat().finally(() => (beating = undefined)));
  // A server that is away for a moment is no loss; who wants to write then asks again.
  const timer = setInterval(() => void beatOnce().catch(() => undefined), beatMilliseconds);
  timer.unref();

  return {
    lost: lost.signal,
    async hold() {
      lost.signal.throwIfAborted();
      if (performance.now() - proven > freshMilliseconds) await beatOnce();
    },
    async release() {
      clearInterval(timer);
      try {
        await beating?.catch(() => undefined);
        // A beat makes those who watch begin anew: none takes the lease over between this and its removal.
        await beat();
        await removeObject(client, key);
      } catch {
        // Lost, or the server is away: the lease is another's, or ends by itself.
      }
    },
  };
}
