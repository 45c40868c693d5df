// Draws synthetic weather: cloud bands and cyclones that drift over a map of land and sea, frame by frame.

import { tensor, type Tensor } from '@deepearth/core';
import { chance, hash, noiseTile, sampleNoise, type NoiseTile } from './noise.ts';

/** A synthetic world: its pixels at any moment. */
export interface Weather {
  /**
   * Pixels of one moment, `[height, width, 3]`. `time` counts frames; any moment can be drawn by itself, in any order.
   */
  draw(time: number): Tensor<'uint8'>;
}

/** Size and seed of a synthetic world. */
export interface WeatherOptions {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

/**
 * A cyclone: where it starts, how it drifts (picture heights per frame), its radius, and the way and strength it turns.
 */
interface Vortex {
  readonly u: number;
  readonly v: number;
  readonly drift: number;
  readonly radius: number;
  readonly turn: number;
}

/**
 * Frames after which a cloud has been replaced by another; two generations, half a life apart, are blended all the
 * time.
 */
const lifetime = 96;
/** The flow is evaluated at every so many pixels and interpolated between: it is smooth. */
const coarse = 8;

/**
 * Prepares a world. Distances are picture heights, so the same seed shows the same world at every size. Everything is
 * made of additions, multiplications, divisions and square roots, so frames are the same bytes on every machine.
 */
export function weather({ width, height, seed }: WeatherOptions): Weather {
  const clouds = noiseTile(hash(seed, 1), 512, 4, 7, 0.56);
  const wisps = noiseTile(hash(seed, 2), 512, 6, 6, 0.6);
  const ground = drawGround(width, height, seed);
  const vortices = makeVortices(width / height, seed);
  const density = new Float32Array(width * height);

  return {
    draw(time) {
      density.fill(0);
      const flow = makeFlow(width, height);
      const age = time / lifetime;
      // A generation is born undistorted half way through its life; the weight is 0 where it is swapped for the next.
      for (const half of [0, 0.5]) {
        const phase = age + half - Math.floor(age + half);
        const weight = 1 - Math.abs(2 * phase - 1);
        trace(flow, width / height, vortices, time, (phase - 0.5) * lifetime);
        const generation = Math.floor(age + half) * 2 + (half ? 1 : 0);
        addClouds(
          density,
          flow,
          width,
          height,
          clouds,
          wisps,
          weight,
          chance(seed, generation, 3),
          chance(seed, generation, 4),
        );
      }
      return tensor('uint8', [height, width, 3], paint(density, ground, width, height));
    },
  };
}

function makeVortices(aspect: number, seed: number): Vortex[] {
  const count = Math.max(3, Math.round(4 * aspect));
  return Array.from({ length: count }, (_, i) => {
    const v = (i + 0.5) / count + (chance(seed, i, 11) - 0.5) * 0.2;
    const north = v < 0.5;
    return {
      u: chance(seed, i, 10) * (aspect + 0.8),
      v: 0.08 + 0.84 * v,
      drift: (0.0012 + 0.0018 * chance(seed, i, 12)) * (Math.abs(v - 0.5) < 0.14 ? -1 : 1),
      radius: 0.13 + 0.15 * chance(seed, i, 13),
      turn: (north ? -1 : 1) * (0.55 + 0.5 * chance(seed, i, 14)),
    };
  });
}

/**
 * Where the air of every coarse grid point comes from, and how much cloud a cyclone adds there: `[rows, columns]` each.
 */
interface Flow {
  readonly rows: number;
  readonly columns: number;
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly lift: Float32Array;
  readonly pixel: number;
}

function makeFlow(width: number, height: number): Flow {
  const rows = Math.ceil(height / coarse) + 2;
  const columns = Math.ceil(width / coarse) + 2;
  const grid = () => new Float32Array(rows * columns);
  return { rows, columns, u: grid(), v: grid(), lift: grid(), pixel: 1 / height };
}

/** Follows the air back over `elapsed` frames: the winds of its latitude, then the turning of the cyclones. */
function trace(flow: Flow, aspect: number, vortices: readonly Vortex[], time: number, elapsed: number): void {
  const span = aspect + 0.8;
  for (let row = 0, i = 0; row < flow.rows; row++) {
    for (let column = 0; column < flow.columns; column++, i++) {
      let u = column * coarse * flow.pixel;
      let v = row * coarse * flow.pixel;
      let lift = 0;
      for (const { u: start, v: centre, drift, radius, turn } of vortices) {
        const moved = start + drift * time;
        const du = u - (moved - Math.floor(moved / span) * span - 0.4);
        const dv = v - centre;
        const distance = (du * du + dv * dv) / (radius * radius);
        if (distance >= 1) continue;
        const near = (1 - distance) * (1 - distance);
        // `h` is the tangent of half an angle: rotation without sines. Twice, for arms that wind far enough.
        const h = turn * near * (1 + elapsed / lifetime);
        const cosine = (1 - h * h) / (1 + h * h);
        const sine = (2 * h) / (1 + h * h);
        const c2 = cosine * cosine - sine * sine;
        const s2 = 2 * cosine * sine;
        u += c2 * du - s2 * dv - du;
        v += s2 * du + c2 * dv - dv;
        // Cloud gathers round the centre and leaves an eye open.
        lift += 0.2 * near - 0.34 * near * near * near * near * near * near;
      }
      flow.u[i] = u - wind(v) * elapsed;
      flow.v[i] = v;
      flow.lift[i] = lift + bands(v);
    }
  }
}

/** Heights per frame, from west to east: trade winds near the equator blow the other way. */
function wind(v: number): number {
  const latitude = Math.abs(2 * v - 1);
  return latitude < 0.3
    ? -0.0022 * (1 - latitude / 0.3)
    : 0.0034 * smooth(0.3, 0.6, latitude) * (1 - 0.6 * smooth(0.7, 1, latitude));
}

/** More cloud at the equator and on the storm tracks, less in the dry belts between. */
const bands = (v: number): number => {
  const latitude = Math.abs(2 * v - 1);
  const equator = 1 - smooth(0, 0.22, latitude);
  const storms = smooth(0.4, 0.62, latitude) * (1 - smooth(0.75, 0.95, latitude));
  return 0.055 * equator + 0.06 * storms - 0.05;
};

function addClouds(
  density: Float32Array,
  flow: Flow,
  width: number,
  height: number,
  clouds: NoiseTile,
  wisps: NoiseTile,
  weight: number,
  offsetU: number,
  offsetV: number,
): void {
  const row = {
    u: new Float32Array(flow.columns),
    v: new Float32Array(flow.columns),
    lift: new Float32Array(flow.columns),
  };
  for (let y = 0, i = 0; y < height; y++) {
    const above = Math.floor(y / coarse) * flow.columns;
    const fy = y / coarse - Math.floor(y / coarse);
    for (let c = 0; c < flow.columns; c++) {
      const [a, b] = [above + c, above + c + flow.columns];
      row.u[c] = flow.u[a]! + (flow.u[b]! - flow.u[a]!) * fy;
      row.v[c] = flow.v[a]! + (flow.v[b]! - flow.v[a]!) * fy;
      row.lift[c] = flow.lift[a]! + (flow.lift[b]! - flow.lift[a]!) * fy;
    }
    for (let x = 0; x < width; x++, i++) {
      const c = Math.floor(x / coarse);
      const fx = x / coarse - c;
      const u = row.u[c]! + (row.u[c + 1]! - row.u[c]!) * fx;
      const v = row.v[c]! + (row.v[c + 1]! - row.v[c]!) * fx;
      const lift = row.lift[c]! + (row.lift[c + 1]! - row.lift[c]!) * fx;
      // Stretched along the wind, and finer wisps that travel with the same air.
      const body = sampleNoise(clouds, u * 0.62 + offsetU, v * 0.95 + offsetV);
      const fine = sampleNoise(wisps, u * 1.9 + offsetV, v * 2.6 + offsetU);
      density[i]! += weight * (body * 0.74 + fine * 0.26 + lift);
    }
  }
}

/** The map below the clouds, red, green, blue of `[height, width]`, as numbers from 0 to 255. */
function drawGround(width: number, height: number, seed: number): Float32Array {
  const shape = noiseTile(hash(seed, 5), 512, 3, 8, 0.52);
  const detail = noiseTile(hash(seed, 6), 256, 8, 5, 0.55);
  const out = new Float32Array(width * height * 3);
  const elevation = (u: number, v: number) =>
    sampleNoise(shape, u * 0.55 + 0.13, v * 0.55 + 0.37) * 0.9 + sampleNoise(detail, u * 1.7, v * 1.7) * 0.1;
  const step = 1.5 / height;
  for (let y = 0, i = 0; y < height; y++) {
    const v = (y + 0.5) / height;
    const latitude = Math.abs(2 * v - 1);
    for (let x = 0; x < width; x++, i += 3) {
      const u = (x + 0.5) / height;
      const level = elevation(u, v) - 0.505;
      const patchy = sampleNoise(detail, u * 0.8 + 0.5, v * 0.8 + 0.5) - 0.5;
      const slope = (level + 0.505 - elevation(u - step, v - step)) * 26;
      const colour: [number, number, number] =
        level < 0 ? sea(level, latitude + patchy * 0.3) : land(level, latitude + patchy * 0.5, patchy);
      const light = level < 0 ? 1 : 1 + Math.max(-0.4, Math.min(0.4, slope));
      for (let c = 0; c < 3; c++) out[i + c] = colour[c]! * light;
    }
  }
  return out;
}

type Colour = [number, number, number];
const mix = (a: Colour, b: Colour, t: number): Colour => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
];

const sea = (level: number, latitude: number): Colour =>
  mix(
    mix(mix([46, 122, 134], [18, 66, 112], smooth(0, 0.05, -level)), [8, 26, 66], smooth(0.03, 0.24, -level)),
    [150, 172, 186],
    smooth(0.96, 1.06, latitude),
  );

function land(level: number, latitude: number, patchy: number): Colour {
  const belt = smooth(0.2, 0.34, latitude) * (1 - smooth(0.42, 0.6, latitude));
  const lowland = mix([44, 92, 46], [186, 158, 104], Math.min(1, Math.max(0, belt + patchy * 1.4)));
  const cold = mix(lowland, [112, 116, 82], smooth(0.6, 0.8, latitude));
  const high = mix(cold, [126, 104, 84], smooth(0.05, 0.11, level));
  const snow = Math.max(smooth(0.14, 0.19, level), smooth(0.93, 1.03, latitude));
  return mix(mix([206, 190, 140], high, smooth(0, 0.006, level)), [236, 240, 244], snow);
}

/** Lays clouds over the ground: white, shaded by their own slope, with a shadow to the lower right. */
function paint(density: Float32Array, ground: Float32Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height * 3);
  const shift = Math.max(1, Math.round(height / 90));
  const texel = Math.max(1, Math.round(height / 256));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const here = density[i]!;
      const cover = smooth(0.5, 0.64, here) * 0.97;
      const towards = x >= shift && y >= shift ? density[i - shift * width - shift]! : here;
      const shadow = 1 - 0.34 * smooth(0.52, 0.62, towards);
      const lit = x >= texel && y >= texel ? here - density[i - texel * width - texel]! : 0;
      const shade = Math.max(-0.22, Math.min(0.1, lit * (4.2 / texel)));
      const white = Math.min(255, (206 + 190 * (here - 0.56)) * (1 + shade));
      for (let c = 0; c < 3; c++) {
        const below = ground[i * 3 + c]! * shadow;
        const value = below + ((c === 2 ? white * 1.02 : white) - below) * cover;
        out[i * 3 + c] = value < 0 ? 0 : value > 255 ? 255 : Math.floor(value + 0.5);
      }
    }
  }
  return out;
}

/** 0 below `from`, 1 above `to`, an S between. */
function smooth(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}
