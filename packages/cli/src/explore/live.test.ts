import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTransform, type Frame } from '@deepearth/core';
import { definePipeline, use } from '@deepearth/core/pipeline';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { readOverview } from '@deepearth/runtime/read-overview';
import { run } from '@deepearth/runtime/run';
import { features } from '@deepearth/sinks/features';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../../tools/chromium.mjs';
import { openPage, pagePath, screenshot, seriousFindings } from '../testing/explorer-page.ts';
import { exportSite } from './export-site.ts';
import { followRun, seenOf } from './live-bundle.ts';
import { makeBundle } from './make-bundle.ts';
import { serve } from './serve.ts';
import { whatToShow, type ShownTokens } from './what-to-show.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'live-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A run of three clips whose frames wait until they are let through; the frame with number 20 is broken. */
function gatedRun(output: string) {
  let [open, released] = [0, (): void => undefined];
  let opened = new Promise<void>((resolve) => (released = resolve));
  const gate = defineTransform({
    type: 'gate',
    summary: 'Lets frames through.',
    options: z.strictObject({}),
    examples: [],
    describe: (input) => ({ output: input! }),
    async each(frame: Frame) {
      while (frame.number >= open) await opened;
      if (frame.number === 20) throw new Error('this frame is broken');
      return frame;
    },
  });
  const pipeline = definePipeline(
    [
      use(synthetic, { count: 25, width: 64, height: 64 }, { id: 'frames' }),
      use(gate, {}, { id: 'gate', onError: 'skip' }),
      use(sliding, { size: 8 }, { id: 'clips' }),
      use(vjepa2, { cropSize: 64 }, { id: 'tokens' }),
      use(features, {}, { id: 'features' }),
    ],
    { name: 'gated' },
  );
  const running = run(pipeline, { output });
  return {
    end: running.end,
    let: (frames: number): void => {
      open = frames;
      released();
      opened = new Promise<void>((resolve) => (released = resolve));
    },
  };
}

const make = (signal: AbortSignal) => (shown: ShownTokens, output: string) =>
  makeBundle(output, { ...shown, signal, progress: () => undefined, warn: () => undefined });

test('a run tells how far it is while it goes, and leaves nothing of that behind', async () => {
  const output = join(root, 'told');
  const { end, let: pass } = gatedRun(output);
  await expect.poll(async () => (await readOverview(output))?.status).toBe('running');
  expect(await whatToShow(output)).toEqual({ waiting: true });
  pass(8);
  const stage = async (id: string) => (await readOverview(output))?.stages.find((each) => each.id === id);
  await expect.poll(() => stage('features'), { timeout: 20_000 }).toMatchObject({ in: 1, out: 1, state: 'open' });
  expect(await stage('clips')).toMatchObject({ from: ['gate'], in: 8, out: 1, skipped: 0 });
  expect(await whatToShow(output)).toMatchObject({ live: true, name: 'gated' });
  // What a killed run leaves: the same, of a process that is not there.
  await mkdir(join(root, 'killed/.deepearth'), { recursive: true });
  const told = JSON.parse(await readFile(join(output, '.deepearth/live.json'), 'utf8')) as { holder: { pid: number } };
  const dead = { ...told, holder: { ...told.holder, start: '1' } };
  await writeFile(join(root, 'killed/.deepearth/live.json'), JSON.stringify(dead));
  expect((await readOverview(join(root, 'killed')))?.status).toBe(
    process.platform === 'linux' ? 'interrupted' : 'running',
  );
  pass(25);
  await end;
  expect(existsSync(join(output, '.deepearth'))).toBe(false);
  expect(await readOverview(output)).toMatchObject({
    status: 'skipped',
    skipped: { count: 1, first: [{ stage: 'gate' }] },
    files: 3,
  });
  expect(await stage('gate')).toMatchObject({ in: 25, out: 24, skipped: 1, state: 'closed' });
  expect(await readOverview(join(root, 'nothing'))).toBeUndefined();
});

describe.skipIf(!chromiumPath)(`the page over a run that goes, in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  test('shows its stages at once, clips as they come, and how it ended; so does an exported page', async () => {
    const output = join(root, 'run');
    const { end, let: pass } = gatedRun(output);
    await expect.poll(async () => (await readOverview(output))?.status).toBe('running');
    const ending = new AbortController();
    const { signal } = ending;
    const failures: unknown[] = [];
    const live = followRun(output, join(root, 'bundles'), make(signal), {
      signal,
      failed: (error) => failures.push(error),
      rest: 0,
    });
    const serving = await serve({ page: pagePath, bundle: live.current, port: 0, run: () => seenOf(output, live) });
    try {
      await using there = await openPage(browser, serving.url, { bypassCSP: true });
      const { view, wrong } = there;
      const box = (id: string) => view.locator('.stage-box').filter({ has: view.getByText(id, { exact: true }) });
      await view.getByText('No clips yet.').waitFor();
      await view.getByText('Running', { exact: true }).waitFor();
      await box('features').getByText('waits').waitFor();
      await screenshot(view, 'run-waiting');
      pass(8);
      // It opens the first clip by itself.
      await view.getByText('1 clip', { exact: true }).waitFor();
      pass(16);
      await view.getByText('The run has made more clips.').waitFor();
      await view.getByRole('radio', { name: 'Run' }).check();
      await box('clips').getByText('16 in → 2', { exact: false }).waitFor();
      expect(await seriousFindings(view)).toEqual([]);
      await screenshot(view, 'run-live');
      await view.getByRole('button', { name: 'Show them' }).click();
      await view.getByText('2 clips', { exact: true }).waitFor();
      expect(view.url()).toContain('view=run');
      pass(25);
      await end;
      await view.getByText('Done, without some items').waitFor();
      await view.getByText('this frame is broken', { exact: false }).waitFor();
      await box('gate').getByText('1 left out').waitFor();
      await view.getByRole('button', { name: 'Show them' }).click();
      await view.getByText('3 clips', { exact: true }).waitFor();
      await screenshot(view, 'run-done');
      expect([...wrong, ...failures]).toEqual([]);
    } finally {
      ending.abort();
      await live.ended;
      await serving.close();
    }

    const overview = await readOverview(output);
    await exportSite(
      join(root, 'site'),
      pagePath,
      {
        data: async (folder) => {
          await make(new AbortController().signal)((await whatToShow(output)) as ShownTokens, folder);
          return join(folder, 'explorer');
        },
      },
      overview,
    );
    const site = await serve({ page: pagePath, bundle: join(root, 'site/data'), port: 0 });
    try {
      const viewport = { width: 390, height: 844 };
      await using there = await openPage(browser, `${site.url}#view=run`, {
        viewport,
        colorScheme: 'light',
        bypassCSP: true,
      });
      const { view, wrong } = there;
      await view.getByText('Done, without some items').waitFor();
      await screenshot(view, 'run-light-390');
      expect(await seriousFindings(view)).toEqual([]);
      expect(await view.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      expect(wrong).toEqual([]);
    } finally {
      await site.close();
    }
    // A run, two bundles and five pages, beside everything else that a machine does.
  }, 150_000);
});
