// Keeps a canvas as sharp as the screen.

import { signal, type ReadonlySignal } from '@preact/signals';

export interface CanvasSize {
  readonly width: number;
  readonly height: number;
  /** Pixels of the canvas for one of the page. */
  readonly unit: number;
}

/** Follows the size of an element and sets that of the canvas; `stop` ends it. */
export function followSize(canvas: HTMLCanvasElement): { size: ReadonlySignal<CanvasSize>; stop: () => void } {
  const measure = (): CanvasSize => {
    const unit = Math.min(3, window.devicePixelRatio || 1);
    const { width, height } = canvas.getBoundingClientRect();
    return { width: Math.max(1, Math.round(width * unit)), height: Math.max(1, Math.round(height * unit)), unit };
  };
  const size = signal(measure());
  const apply = (): void => {
    const next = measure();
    if (canvas.width !== next.width) canvas.width = next.width;
    if (canvas.height !== next.height) canvas.height = next.height;
    size.value = next;
  };
  apply();
  const observer = new ResizeObserver(apply);
  observer.observe(canvas);
  return { size, stop: () => observer.disconnect() };
}
