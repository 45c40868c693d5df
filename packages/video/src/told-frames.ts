// What ffmpeg says of the frames that it decodes, on its standard error.

import type { Readable } from 'node:stream';

/** What ffmpeg says of a frame. */
export interface ToldFrame {
  /** In units of `timeBase`; `undefined` where it has no time. */
  readonly tick: number | undefined;
  readonly timeBase: readonly [numerator: number, denominator: number];
  readonly width: number;
  readonly height: number;
  /** Whether it needs no other to be decoded. */
  readonly key: boolean;
  /** Whether ffmpeg had complained before it came: it, or one after it, may be damaged. */
  readonly suspect: boolean;
  /** What is wrong with it, as far as is told. */
  readonly damage: 'damaged' | 'after a loss' | undefined;
}

/** The frames that ffmpeg tells of, in order. */
export interface ToldFrames {
  /** The next one; `undefined` when there is none. */
  next(): Promise<ToldFrame | undefined>;
  /** The last error that it named; empty for none. */
  problem(): string;
}

/** What is known of a video whose frames are decoded one by one. */
export interface OneByOne {
  /** Whether no frame is made of others. */
  readonly intraOnly: boolean;
  /** Whether frames that cannot be decoded are not missed by their times. */
  readonly countedByDecoding: boolean;
}

/** What showinfo says of a frame. */
const ofFrame = / n: *\d+ pts: *(NOPTS|-?\d+) .* s:(\d+)x(\d+) .*iskey:([01])/;
/** An error, and what is wrong. */
const ofError = /\[(?:error|fatal|panic)\] (.*)/;
/** What `-debug_ts` says of what leaves a stage. */
const ofStage = /(?:decoder|demuxer\S*|filter|encoder|muxer) (?:->|<-) .*/;

/**
 * Reads what ffmpeg says of its frames by the filter showinfo, with `-loglevel level+info`. It reads on even while
 * nobody asks, or ffmpeg would wait.
 *
 * `oneByOne`: ffmpeg decodes with one thread and `-debug_ts`, all frames go through the filter, and each is told to be
 * damaged or not. Else all are suspect once ffmpeg has complained.
 */
export function toldFrames(stream: Readable, oneByOne?: OneByOne): ToldFrames {
  const frames: ToldFrame[] = [];
  let waiting: (() => void) | undefined;
  let [over, problem]: [boolean, string] = [false, ''];
  let timeBase: readonly [number, number] = [1, 1];
  let suspect = false;
  /** Frames that left the decoder and did not come to the filter yet. */
  const decoded: ToldFrame['damage'][] = [];
  let [corrupt, wrong, lost, mended] = [false, false, false, 0];
  const wake = (): void => {
    waiting?.();
    waiting = undefined;
  };

  /** What ffmpeg says between one frame that leaves the decoder and the next. */
  const decoderSaid = (line: string, { intraOnly, countedByDecoding }: OneByOne): void => {
    if (isError(line)) wrong = true;
    // Of a packet that gives no frame, and of one that is mended where it can be, the decoder says more.
    if (/rror (?:while decoding stream|submitting)/.test(line)) [wrong, lost] = [false, true];
    if (line.includes('concealing ')) [wrong, mended] = [false, mended + 1];
    if (line.includes('corrupt decoded frame')) [corrupt, mended] = [true, Math.max(mended - 1, 0)];
    if (!line.includes('decoder -> ')) return;
    // What is wrong with a packet is so with the frame that comes next, where none waits for others; where they do,
    // those of type 3 that come before the mended one are made of it.
    if (corrupt || (wrong && intraOnly) || (mended > 0 && line.includes('frame_type:3'))) decoded.push('damaged');
    else decoded.push(lost && countedByDecoding && !intraOnly ? 'after a loss' : undefined);
    if (line.includes('keyframe:1')) mended = 0;
    [corrupt, wrong, lost] = [false, false, false];
  };

  const read = (line: string): void => {
    if (oneByOne) decoderSaid(line, oneByOne);
    else if (!suspect) suspect = isError(line) || /corrupt|concealing /.test(line);
    const frame = line.includes(' pts:') ? ofFrame.exec(line) : undefined;
    if (frame) {
      const [, tick, width, height, key] = frame;
      frames.push({
        tick: tick === 'NOPTS' ? undefined : Number(tick),
        timeBase,
        width: Number(width),
        height: Number(height),
        key: key === '1',
        suspect,
        // One that is not told to be whole is not taken for whole.
        damage: oneByOne && decoded.length === 0 ? 'damaged' : decoded.shift(),
      });
      return wake();
    }
    const base = /config in time_base: (\d+)\/(\d+)/.exec(line);
    if (base) timeBase = [Number(base[1]), Number(base[2])];
    problem = ofError.exec(line)?.[1] ?? problem;
  };

  // ffmpeg writes a line in a dozen pieces, and a listener takes them with less ado than an iterator.
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    rest += text;
    if (!text.includes('\n')) return;
    const lines = rest.split('\n');
    rest = lines.pop()!;
    lines.forEach(read);
  });
  stream.once('close', () => {
    if (rest) read(rest);
    over = true;
    wake();
  });
  return {
    async next() {
      while (frames.length === 0 && !over) await new Promise<void>((resolve) => (waiting = resolve));
      return frames.shift();
    },
    problem: () => problem,
  };
}

/**
 * Whether a line tells of an error. What another thread says while showinfo is in the middle of a line has no level: it
 * shows as words that are not "name:value".
 */
function isError(line: string): boolean {
  if (ofError.test(line)) return true;
  const told = /^\[Parsed_showinfo\S* @ \S+\] \[info\] *((?:n|color_\w+):.*)/.exec(line)?.[1];
  return (
    told !== undefined &&
    !told
      .replace(ofStage, '')
      .replace(/: +/g, ':')
      .trim()
      .split(/\s+/)
      .every((word) => word.includes(':'))
  );
}
