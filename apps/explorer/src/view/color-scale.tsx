// The colours of numbers from low to high.

import { useEffect, useRef } from 'preact/hooks';
import { colorMap, type ColorMapName } from '@deepearth/vision/colormaps';

export function ColorScale({ map, limits: [low, high] }: { map: ColorMapName; limits: readonly [number, number] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const pixels = new ImageData(256, 1);
    const table = colorMap(map);
    for (let i = 0; i < 256; i++) pixels.data.set([...table.subarray(i * 3, i * 3 + 3), 255], i * 4);
    canvas.current!.getContext('2d')!.putImageData(pixels, 0, 0);
  }, [map]);
  return (
    <span class="color-scale">
      {low.toFixed(2)}
      <canvas
        ref={canvas}
        width={256}
        height={1}
        role="img"
        aria-label={`Colours from ${low.toFixed(2)} to ${high.toFixed(2)}`}
      />
      {high.toFixed(2)}
    </span>
  );
}
