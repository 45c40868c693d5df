import { describe, expect, test } from 'vitest';
import { memoryStore } from '@deepearth/core';
import { plan } from '@deepearth/core/plan';
import { run } from '@deepearth/core/run';
import { formatCount } from '@deepearth/core/specs';
import { parseConfig } from '@deepearth/runtime/config';
import { planText, planWarnings } from './commands/plan.ts';
import { builtinStages } from './registry.ts';

const load = async (stages: string) =>
  (await parseConfig(`stages:\n${stages}`, 'p.yaml', { registry: builtinStages() })).pipeline;

const whole = (encoder = '', sinks = '') => `
  - { id: frames, type: source/synthetic, with: { count: 5, width: 96, height: 64 } }
  - { id: clips, type: windower/sliding, with: { size: 4 } }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 64${encoder} } }
  - { id: features, type: sink/features }
  - { id: pca, type: reducer/pca, from: tokens }
  - { id: overlay, type: renderer/overlay }
  - { id: stacked, type: renderer/stacked, from: pca }
  - { id: cells, type: renderer/tokens, from: pca }
  - { id: beside, type: renderer/panels, from: [frames, overlay] }
  - { id: sheet, type: renderer/contact-sheet, from: overlay, with: { columns: 2, rows: 2 } }
  - { id: png, type: sink/pictures, from: [overlay, stacked, cells, sheet, beside] }
  - { id: jpeg, type: sink/pictures, from: [overlay, stacked], with: { format: jpeg, directory: jpeg } }
  - { id: webp, type: sink/pictures, from: [overlay, stacked], with: { format: webp, directory: webp } }
  - { id: gif, type: sink/gif, from: [overlay, stacked, cells] }
  - { id: zip, type: sink/package, from: [features, png, jpeg, webp, gif] }
  - { id: mean, type: aggregator/mean, from: tokens }
  - { id: csv, type: sink/table }
  - { id: parquet, type: sink/table, from: mean, with: { format: parquet } }
  - { id: npy, type: sink/table, from: mean, with: { format: npy } }
${sinks}`;

describe('a plan', () => {
  test('counts and sizes every file that a run writes: at most what it says, and not far from it', async () => {
    const pipeline = await load(whole());
    const planned = await plan(pipeline);
    const { manifest } = await run(pipeline, { store: memoryStore() }).result;
    for (const id of ['features', 'png', 'jpeg', 'webp', 'gif', 'zip', 'csv', 'parquet', 'npy']) {
      const { diskBytes } = planned.stages.find(({ stage }) => stage.id === id)!.description;
      const files = manifest.outputs.filter(({ stage }) => stage === id);
      const written = files.reduce((sum, { bytes }) => sum + bytes, 0);
      expect([id, diskBytes! >= written, diskBytes! < written * 8]).toEqual([id, true, true]);
    }
    const counts = Object.fromEntries(
      planned.stages.map(({ stage, description }) => [stage.id, formatCount(description.output)]),
    );
    expect(counts).toMatchObject({
      frames: '5',
      clips: '2',
      overlay: '≤ 5',
      stacked: '≤ 5',
      cells: '≤ 4',
      sheet: '≤ 1',
    });
  });

  test('says what an encoder never sees of a frame and how much of a clip is padding; the run puts it into its manifest, once', async () => {
    const pipeline = await load(whole());
    const expected = [
      'clips: the last clip has 1 frame and repeats the last one: 75 % of it is padding.',
      'tokens: 49 % of each frame of 96 x 64 pixels is cut off and never seen; `fit: resize`, `pad` or `tile` sees all of it.',
    ];
    expect(planWarnings(await plan(pipeline))).toEqual(expected);
    const { manifest } = await run(pipeline, { store: memoryStore() }).result;
    expect(manifest.warnings.map(({ stage, message }) => `${stage}: ${message}.`)).toEqual(expected);
    expect(planWarnings(await plan(await load(whole(', fit: resize').replace('count: 5', 'count: 8'))))).toEqual([]);
  });

  test('that does not know the size of frames leaves it to the run to say what is never seen, once for each size', async () => {
    const pipeline = await load(`
  - { id: one, type: source/synthetic, with: { count: 4, width: 96, height: 64, sequence: one } }
  - { id: other, type: source/synthetic, with: { count: 8, width: 64, height: 64, sequence: other } }
  - { id: clips, type: windower/sliding, from: [one, other], with: { size: 4 } }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 32 } }
  - { type: sink/features }`);
    expect(planWarnings(await plan(pipeline))).toEqual([]);
    const { manifest } = await run(pipeline, { store: memoryStore() }).result;
    expect(manifest.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('% of each frame of 64 x 64 pixels is cut off'),
      expect.stringContaining('% of each frame of 96 x 64 pixels is cut off'),
    ]);
  });

  test('shows where nobody can tell how much will be written', async () => {
    const open = await load(`
  - { type: source/synthetic }
  - { type: windower/sliding }
  - { type: encoder/dinov3, with: { model: someone/unknown } }
  - { type: sink/features }
`);
    expect(planText(await plan(open))).toMatch(/on disk, and what has a \? there\.$/m);
    expect(planText(await plan(await load(whole())))).toMatch(/on disk\.$/m);
  });
});

describe('a stage that nobody reads', () => {
  const idle = `
  - { id: frames, type: source/synthetic, with: { count: 2, width: 32, height: 32 } }
  - { id: clips, type: windower/sliding, with: { size: 2 } }
`;
  const warning =
    'clips: no stage takes what it sends, and nothing of it is written; put a sink behind it, or leave it out.';

  test('is a warning of plan and run', async () => {
    const pipeline = await load(idle);
    expect(planWarnings(await plan(pipeline, { survey: false }))).toEqual([warning]);
    const { manifest } = await run(pipeline, { store: memoryStore() }).result;
    expect(manifest.warnings.map(({ stage, message }) => `${stage}: ${message}.`)).toEqual([warning]);
  });

  test('is none where a program listens to it', async () => {
    const running = run(await load(idle), { store: memoryStore() });
    running.items$('clips').subscribe();
    expect((await running.result).manifest.warnings).toEqual([]);
  });
});

describe('a model', () => {
  const stages = (model: string, size = 16): string => `
  - { type: source/synthetic }
  - { type: windower/sliding, with: { size: ${size} } }
  - { type: encoder/vjepa2, with: { model: ${model} } }
  - { type: sink/features }
`;

  test('that takes pairs of frames refuses odd clips before anything is looked at, with the place of the stage', async () => {
    for (const model of ['builtin', 'facebook/vjepa2-vitl-fpc64-256'])
      await expect(plan(await load(stages(model, 15)), { survey: false })).rejects.toThrow(
        'p.yaml:5:5 vjepa2: cannot take what sliding sends: a token spans 2 frames, and a clip has 15. Give the windower a `size` that is a multiple of 2.',
      );
  });

  test('that cannot be one is refused by the plan, with its place', async () => {
    await expect(plan(await load(stages('"no such model"')))).rejects.toThrow(
      /^p\.yaml:5:29 vjepa2: no such model: is no folder, no file and no name of a model\. Give "builtin"/,
    );
  });

  test('that is not in the table is told by the plan, with the name that may have been meant', async () => {
    const { stages: planned } = await plan(await load(stages('facebook/vjepa2-vitl-fpc64-265')));
    expect(planned[2]!.description.notes).toEqual([
      'facebook/vjepa2-vitl-fpc64-265 is not among the known models: the Hub is asked for it when the run starts, and sizes are not known before (did you mean facebook/vjepa2-vitl-fpc64-256?)',
    ]);
  });
});
