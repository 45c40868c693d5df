// Grids of tokens whose frames lie somewhere on the Earth, for tests of what is written of them.

import {
  tensor,
  type Frame,
  type Georeference,
  type Projection,
  type Rectangle,
  type TokenGrid,
} from '@deepearth/core';
import { makeTokens } from '@deepearth/testing';

/** Where made frames lie. */
export const place: Georeference = { crs: 'EPSG:32633', transform: [10, 0, 399_960, 0, -10, 5_300_040] };

/** The same item, made of frames that lie somewhere. */
export function placed<T extends TokenGrid>(item: T, change: (frame: Frame) => Partial<Frame> = () => ({})): T {
  const clip = item.clip!;
  const frames = clip.frames.map((frame) => ({ ...frame, georeference: place, ...change(frame) }));
  return { ...item, clip: { ...clip, frames } };
}

/** A projection of tokens whose numbers a function says. */
export const projection = (
  { clip, origin, valid, id, key }: TokenGrid,
  shape: readonly [number, number, number, number],
  value: (step: number, row: number, column: number, component: number) => number,
  more: Partial<Projection> = {},
): Projection => {
  const [, height, width, components] = shape;
  const data = Float32Array.from({ length: shape.reduce((product, size) => product * size) }, (_, i) => {
    const cell = Math.floor(i / components);
    return value(Math.floor(cell / width / height), Math.floor(cell / width) % height, cell % width, i % components);
  });
  return {
    kind: 'projection',
    id,
    key,
    values: tensor('float32', shape, data),
    axes: ['time', 'height', 'width', 'components'],
    origin,
    ...(clip && { clip }),
    ...(valid && { valid }),
    limits: Array.from({ length: components }, () => [0, 1]),
    meaning: 'coordinates',
    reducer: 'pca',
    ...more,
  };
};

/** What a token of the scene would be, known from where it lies. */
export const sceneValue = (x: number, y: number): number => Math.sin(x / 300) * 10 + y / 100;

export function sceneTiles(windows: readonly Rectangle[]): Projection[] {
  return windows.map((window, index) => {
    const [tokens] = makeTokens({
      count: 1,
      time: 1,
      height: window.height / 8,
      width: window.width / 8,
      channels: 1,
      seed: 5,
    });
    const item = placed({ ...tokens!, id: `tile-${index}`, key: `${index}`.padStart(64, '0') }, () => ({
      footprint: window,
      georeference: {
        crs: place.crs,
        transform: [10, 0, 399_960 + 10 * window.x, 0, -10, 5_300_040 - 10 * window.y],
      },
    }));
    const clip = { ...item.clip!, sequence: `scene/r00c0${index}` };
    return projection({ ...item, clip }, [1, window.height / 8, window.width / 8, 1], (_, row, column) =>
      sceneValue(window.x + column * 8 + 4, window.y + row * 8 + 4),
    );
  });
}
/** Four tiles that overlap by 16 pixels, of a scene of 112 x 112. */
export const sceneWindows = [
  { x: 0, y: 0, width: 64, height: 64 },
  { x: 48, y: 0, width: 64, height: 64 },
  { x: 0, y: 48, width: 64, height: 64 },
  { x: 48, y: 48, width: 64, height: 64 },
];
