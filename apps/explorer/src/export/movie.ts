// Makes a film of the sequence that is shown, as it is shown.

import { clipOfFrame, stepOf } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';
import { rateOf } from '../state/play.ts';
import { drawStage } from '../view/draw-stage.ts';
import { overlayOf, type Overlay } from '../view/overlay.ts';
import type { MovieReply, MovieRequest, MovieSettings } from './movie-protocol.ts';

/** GIFs are large: their longest edge, in pixels. */
const gifEdge = 480;

/** Draws frame after frame and encodes it in a worker. Throws the reason of `signal` when it is aborted. */
export async function makeMovie(
  explorer: Explorer,
  format: MovieSettings['format'],
  progress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const { bundle, sequence, frames, opacity, smooth } = explorer;
  const which = sequence.value;
  const shown = bundle.sequences[which]!;
  const scale = Math.min(1, format === 'gif' ? gifEdge / Math.max(shown.picture.width, shown.picture.height) : 1);
  const width = Math.max(1, Math.round(shown.picture.width * scale));
  const height = Math.max(1, Math.round(shown.picture.height * scale));
  const worker = new Worker(new URL('./movie-worker.js', import.meta.url), { type: 'module' });
  const stop = (): void => worker.terminate();
  signal.addEventListener('abort', stop);
  const ask = (request: MovieRequest, transfer: Transferable[] = []): Promise<Exclude<MovieReply, { error: string }>> =>
    new Promise((resolve, reject) => {
      // Where it was aborted between two requests the worker is gone and replies to nothing.
      signal.throwIfAborted();
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      worker.onmessage = ({ data }: MessageEvent<MovieReply>) =>
        'error' in data ? reject(new Error(data.error)) : resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message || 'The encoder could not be started.'));
      worker.postMessage(request, transfer);
    });
  try {
    signal.throwIfAborted();
    await ask({ open: { format, width, height, fps: rateOf(shown) } });
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    let overlay: Overlay | undefined;
    let colored: number | undefined = -1;
    for (let frame = 0; frame < shown.numbers.length; frame++) {
      const clip = clipOfFrame(bundle, which, frame);
      if (clip !== colored) overlay = clip === undefined ? undefined : await overlayOf(explorer, clip);
      colored = clip;
      frames.prepare(which, [frame + 1, frame + 2]);
      drawStage(context, canvas, 1, {
        frame: shown.frame,
        picture: await frames.get(which, frame),
        clip: clip === undefined ? undefined : bundle.clips[clip],
        step: clip === undefined ? 0 : stepOf(bundle.clips[clip]!, frame),
        colors: overlay?.colors,
        opacity: opacity.value,
        smooth: smooth.value,
        subdued: overlay?.limits !== undefined,
        picks: [],
        marks: [],
        marked: undefined,
        background: '#000000',
      });
      const { data } = context.getImageData(0, 0, width, height);
      const pixels = new Uint8Array(data.buffer);
      await ask({ pixels }, [pixels.buffer]);
      progress(frame + 1, shown.numbers.length);
    }
    const reply = await ask({ end: true });
    if (!('file' in reply)) throw new Error('The encoder made no file.');
    return reply.file;
  } finally {
    signal.removeEventListener('abort', stop);
    worker.terminate();
  }
}
