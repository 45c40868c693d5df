// How much of the time the devices of a stage work, and for what they wait.

import { formatList } from './format-list.ts';

/**
 * What a device waits for: `input`: the stage before has sent no clip; `reading`: pictures are read and decoded;
 * `preparing`: pictures are resized; `writing`: the stages behind have not taken tokens; `moving`: pixels and tokens
 * are on their way between processes.
 */
export const waits = ['input', 'reading', 'preparing', 'writing', 'moving'] as const;
/** One of `waits`. */
export type Wait = (typeof waits)[number];

/** Seconds of all devices together, from the begin of the first call to the end of the last. */
export interface UseTimes {
  readonly seconds: number;
  readonly waited: Readonly<Record<Wait, number>>;
}

/** What the way of the next clip to a device is at; `sending`: it is ready, and there is no room for it. */
export type Phase = 'input' | 'reading' | 'preparing' | 'sending' | 'ended';

/** Watches the devices of a stage. */
export interface DeviceUse {
  /** A device begins to work; call what is returned when it ends. */
  working(): () => void;
  /** Sets what the way of the next clip is at; call what is returned to go back to what it was at before. */
  phase(phase: Phase): () => void;
  /** The phase `reading` for as long as something is waited for. */
  reading<T>(wait: Promise<T>): Promise<T>;
  /** Tokens wait for the stages behind; call what is returned when they are taken. */
  writing(): () => void;
  /** Up to now. */
  times(): UseTimes;
}

/** Starts to watch so many devices, by a clock in milliseconds. */
export function deviceUse(devices: number, clock: () => number = () => performance.now()): DeviceUse {
  let at = 0;
  let started = false;
  let busy = 0;
  let writing = 0;
  let phase: Phase = 'input';
  let seconds = 0;
  const waited: Record<Wait, number> = { input: 0, reading: 0, preparing: 0, writing: 0, moving: 0 };
  // What was waited for since the last call ended counts once another begins: the end of a run starves nobody.
  let open: Record<Wait, number> = { ...waited };
  let openSeconds = 0;

  /** Counts the time since the last change for what was so until now. */
  const count = (): void => {
    const now = clock();
    const passed = (now - at) / 1000;
    at = now;
    if (!started || (phase === 'ended' && busy === 0)) return;
    openSeconds += passed * devices;
    if (phase === 'ended') return;
    const wait = phase !== 'sending' ? phase : writing > 0 ? 'writing' : 'moving';
    open[wait] += passed * (devices - busy);
  };
  const settle = (): void => {
    seconds += openSeconds;
    for (const wait of waits) waited[wait] += open[wait];
    open = { input: 0, reading: 0, preparing: 0, writing: 0, moving: 0 };
    openSeconds = 0;
  };
  const once = (change: () => void): (() => void) => {
    let done = false;
    return () => {
      if (done) return;
      done = true;
      count();
      change();
    };
  };
  const use: DeviceUse = {
    working() {
      count();
      started = true;
      settle();
      busy++;
      return once(() => {
        settle();
        busy--;
      });
    },
    phase(next) {
      count();
      const before = phase;
      phase = next;
      return once(() => void (phase = before));
    },
    async reading(wait) {
      const resume = use.phase('reading');
      try {
        return await wait;
      } finally {
        resume();
      }
    },
    writing() {
      count();
      writing++;
      return once(() => void writing--);
    },
    times() {
      return { seconds, waited };
    },
  };
  return use;
}

/** Less than this share of the time is not worth a line. */
const noticeable = 0.2;
/** A shorter run says nothing. */
const leastSeconds = 5;

const remedies: Readonly<Record<Exclude<Wait, 'moving'>, (inputs: string) => string>> = {
  input: (inputs) =>
    `for clips from ${inputs}. What makes them is slower than the encoder: see its share of the time, and put its files on a near disk.`,
  reading: () =>
    'for pictures to be read and decoded. More cores, a nearer disk, smaller pictures or JPEG instead of PNG help.',
  preparing: () =>
    'for pictures to be resized. More cores help, or pictures nearer to the size of the encoder’s input.',
  writing: () =>
    'for the stages behind it to take its tokens. A faster disk helps, `tokens: float16`, or fewer stages behind it.',
};

/**
 * One sentence that says for what the devices waited most and what to change; `undefined` where they worked most of the
 * time, or the run was short.
 */
export function starvation(
  { seconds, waited }: UseTimes,
  devices: readonly string[],
  inputs: readonly string[],
): string | undefined {
  const idle = waits.reduce((sum, wait) => sum + waited[wait], 0);
  if (seconds / devices.length < leastSeconds || idle < noticeable * seconds) return undefined;
  const most = waits.reduce((a, b) => (waited[b] > waited[a] ? b : a));
  const of = (share: number): string => `${Math.round((100 * share) / seconds)} %`;
  const cause =
    most === 'moving'
      ? 'for pixels and tokens to be moved to and from their processes: the program itself was busy, or the model is small.'
      : remedies[most](formatList(inputs));
  return `${formatList(devices)} waited ${of(idle)} of the time, ${of(waited[most])} ${cause}`;
}
