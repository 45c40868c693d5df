// Files to take away: films of what is shown, areas of it as a mask, polygons or a raster.

import { effect, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Explorer } from '../state/explorer.ts';
import { nameOf, save } from '../view/save.ts';
import { areaPolygons, areaRaster, maskPixels, noPolygons, noRaster } from './area-files.ts';
import { areasOf, type Areas } from './areas.ts';
import { makeMovie } from './movie.ts';

export function ExportPanel({ explorer }: { explorer: Explorer }) {
  const { bundle, layer, clip, found, picks, loaded, clusters, labelModel, query } = explorer;
  const progress = useSignal<{ readonly done: number; readonly total: number } | undefined>(undefined);
  const least = useSignal(0.9);
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(new Error('closed')), []);
  // Halfway between what is usual and the best, until the user moves it.
  useEffect(
    () =>
      effect(() => {
        const overall = found.value?.overall;
        if (overall && loaded.value) least.value = Math.round(((overall.mean + overall.best) / 2) * 100) / 100;
      }),
    [explorer],
  );

  const work = async (make: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    const controller = new AbortController();
    running.current = controller;
    progress.value = { done: 0, total: 0 };
    try {
      await make(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) explorer.message.value = error instanceof Error ? error.message : String(error);
    } finally {
      progress.value = undefined;
      running.current = undefined;
    }
  };
  const film = (format: 'gif' | 'mp4') => () =>
    void work(async (signal) => {
      const { name } = bundle.sequences[explorer.sequence.value]!;
      const part = bundle.sequences.length > 1 ? `_${name.replace(/[^\w.-]+/g, '-')}` : '';
      const blob = await makeMovie(explorer, format, (done, total) => (progress.value = { done, total }), signal);
      save(blob, `${nameOf(explorer)}${part}.${format}`);
    });
  const areaFile = (ending: string, make: (areas: Areas, signal: AbortSignal) => Promise<Blob> | Blob) => () =>
    void work(async (signal) => {
      const areas = await areasOf(explorer, least.value);
      if (!areas) return;
      const { sequence } = bundle.clips[areas.clip]!;
      const number = bundle.sequences[sequence]!.numbers[explorer.frame.value];
      save(await make(areas, signal), `${nameOf(explorer)}_${areas.kind}_frame_${number}.${ending}`);
    });

  const kind = layer.value;
  const ready =
    clip.value !== undefined &&
    ((kind === 'clusters' && clusters.value !== undefined) ||
      (kind === 'labels' && labelModel.value !== undefined) ||
      (kind === 'similarity' && picks.value.length > 0 && query.value !== undefined));
  const busy = progress.value !== undefined;
  const [polygons, raster] =
    clip.value === undefined ? [undefined, undefined] : [noPolygons(bundle, clip.value), noRaster(bundle, clip.value)];
  return (
    <>
      <h3>The sequence, as it is shown</h3>
      <div class="row">
        <button type="button" disabled={busy} onClick={film('mp4')}>
          MP4
        </button>
        <button type="button" disabled={busy} onClick={film('gif')}>
          GIF
        </button>
      </div>
      {progress.value && progress.value.total > 0 && (
        <div class="row">
          <progress aria-label="Frames encoded" max={progress.value.total} value={progress.value.done} />
          <button type="button" onClick={() => running.current?.abort(new Error('cancelled'))}>
            Cancel
          </button>
        </div>
      )}
      <h3>Areas of this frame</h3>
      {!ready && <p class="hint">Show clusters, labels, or what is like a pick, to take its area away.</p>}
      {ready && kind === 'similarity' && (
        <label class="row">
          Least similarity
          <input
            type="number"
            min="-1"
            max="1"
            step="0.01"
            value={least.value}
            onInput={(event) => (least.value = event.currentTarget.valueAsNumber || 0)}
          />
        </label>
      )}
      <div class="row">
        <button
          type="button"
          disabled={busy || !ready}
          onClick={areaFile('png', (areas) => {
            const pixels = maskPixels(bundle, areas);
            const canvas = new OffscreenCanvas(pixels.width, pixels.height);
            canvas.getContext('2d')!.putImageData(pixels, 0, 0);
            return canvas.convertToBlob({ type: 'image/png' });
          })}
        >
          Mask
        </button>
        <button
          type="button"
          disabled={busy || !ready || polygons !== undefined}
          onClick={areaFile(
            'geojson',
            (areas) => new Blob([areaPolygons(bundle, areas)], { type: 'application/geo+json' }),
          )}
        >
          GeoJSON
        </button>
        <button
          type="button"
          disabled={busy || !ready || raster !== undefined}
          onClick={areaFile('tif', (areas, signal) => areaRaster(bundle, areas, signal))}
        >
          GeoTIFF
        </button>
      </div>
      {raster !== undefined && <p class="hint">No GeoTIFF and GeoJSON: {raster}.</p>}
      {raster === undefined && polygons !== undefined && <p class="hint">No GeoJSON: {polygons}.</p>}
    </>
  );
}
