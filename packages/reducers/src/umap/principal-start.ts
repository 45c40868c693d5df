// A start along the principal axes of a sample of rows: subspace iteration, a few passes.

import { runSliced } from '../shared/pace.ts';
import { seededRandom } from '../shared/seeded.ts';
import { symmetricEigen } from '../pca/eigen.ts';
import type { Engine } from './engine.ts';
import { step, type Running } from './running.ts';
import type { Settled } from './options.ts';
import { axesFor, type Plan } from './plan.ts';

/** Passes over the sample; the layout needs a direction, not its last digits. */
const passes = 6;

/**
 * Writes `plan.positions`: coordinates along the principal axes of the (prepared) rows at
 * `picks`; the largest entry of an axis is
 * positive, so that pictures do not flip.
 */
export async function principalStart(
  engine: Engine,
  plan: Plan,
  options: Settled,
  running: Running,
  picks: Uint32Array,
): Promise<void> {
  const { stride, rows, components } = plan;
  const axes = axesFor(components);
  const pitch = Math.ceil(axes / 4) * 4;
  await engine.write(plan.picks, picks);
  const random = seededRandom(options.seed, 2);
  let basis = new Float64Array(axes * stride);
  for (let k = 0; k < axes; k++) for (let c = 0; c < plan.channels; c++) basis[k * stride + c] = random() - 0.5;
  orthonormalize(basis, axes, stride);
  const mean = await engine.read(plan.mean, stride);
  const use = async (count: number): Promise<void> => {
    await engine.write(plan.axes, Float32Array.from(basis));
    const offsets = new Float32Array(axes);
    for (let k = 0; k < count; k++)
      for (let c = 0; c < stride; c++) offsets[k]! += Math.fround(basis[k * stride + c]!) * mean[c]!;
    await engine.write(plan.axisOffsets, offsets);
  };
  const params = { plan, metric: options.metric, count: picks.length };
  for (let pass = 0; pass < passes; pass++) {
    await use(axes);
    await engine.run('iterate', { ...params, spread: pass < passes - 1 }, step(running, 'start', picks.length));
    if (pass === passes - 1) break;
    basis = Float64Array.from(await engine.read(plan.spread, axes * stride));
    // Rows were spread without their mean being taken off: take off what it added.
    const products = await engine.read(plan.products, picks.length * pitch);
    for (let k = 0; k < axes; k++) {
      let sum = 0;
      for (let i = 0; i < picks.length; i++) sum += products[i * pitch + k]!;
      for (let c = 0; c < stride; c++) basis[k * stride + c]! -= sum * mean[c]!;
    }
    orthonormalize(basis, axes, stride);
  }
  const products = await engine.read(plan.products, picks.length * pitch);
  const small = new Float64Array(axes * axes);
  for (let i = 0; i < picks.length; i++)
    for (let k = 0; k < axes; k++)
      for (let l = 0; l < axes; l++) small[k * axes + l]! += products[i * pitch + k]! * products[i * pitch + l]!;
  const { vectors } = await runSliced(symmetricEigen(small, axes), running.signal);
  const turned = new Float64Array(axes * stride);
  for (let k = 0; k < components; k++) {
    const axis = turned.subarray(k * stride, (k + 1) * stride);
    for (let l = 0; l < axes; l++)
      for (let c = 0; c < stride; c++) axis[c]! += vectors[k * axes + l]! * basis[l * stride + c]!;
    let peak = 0;
    for (const value of axis) if (Math.abs(value) > Math.abs(peak)) peak = value;
    if (peak < 0) for (let c = 0; c < stride; c++) axis[c] = -axis[c]!;
  }
  basis = turned;
  await use(components);
  await engine.run('project', { plan, metric: options.metric, components }, step(running, 'start', rows));
}

/** Gram and Schmidt, twice; what is left of a dependent axis becomes 0. */
function orthonormalize(basis: Float64Array, count: number, size: number): void {
  for (let k = 0; k < count; k++) {
    const row = basis.subarray(k * size, (k + 1) * size);
    const before = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let pass = 0; pass < 2; pass++) {
      for (let l = 0; l < k; l++) {
        let dot = 0;
        for (let c = 0; c < size; c++) dot += row[c]! * basis[l * size + c]!;
        for (let c = 0; c < size; c++) row[c]! -= dot * basis[l * size + c]!;
      }
    }
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    const factor = length > before * 1e-10 && length > 1e-30 ? 1 / length : 0;
    for (let c = 0; c < size; c++) row[c]! *= factor;
  }
}
