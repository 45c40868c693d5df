// Measures the explorer's page in Chromium on a bundle of made tokens: time to the first picture, to load all tokens,
// of a search over all of them, frames a second while scrubbing, and the memory of the browser.
//
//     node benchmarks/explorer.mjs [clips]       1,000 clips unless told; 5 MB of disk for 16

import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { serve } from '../packages/cli/dist/explore/serve.js';
import { picturePath, tokensPath } from '../packages/sinks/dist/explorer/bundle-index.js';
import { chromiumPath } from '../tools/chromium.mjs';

const clips = Number(process.argv[2] ?? 1000);
const grid = [8, 24, 24];
const perClip = 8 * 24 * 24;
const [bytes, components, framesPerClip, perChunk] = [64, 52, 16, 14];
const picture = { width: 720, height: 405 };

/** Numbers that differ, the same in every run. */
let state = 1;
const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);

async function makeBundle(folder) {
  for (const name of ['tokens', 'frames/0']) await mkdir(join(folder, name), { recursive: true });
  const chunks = [];
  for (let first = 0; first < clips; first += perChunk) {
    const tokens = Math.min(perChunk, clips - first) * perClip;
    const words = new Int32Array((tokens * bytes) / 4);
    for (let i = 0; i < words.length; i++) words[i] = next();
    await writeFile(join(folder, tokensPath(chunks.length)), new Uint8Array(words.buffer));
    chunks.push(tokens);
  }
  const frames = clips * framesPerClip;
  for (let frame = 0; frame < frames; frame++) {
    const path = join(folder, picturePath(0, frame));
    if (frame >= 64) {
      await link(join(folder, picturePath(0, frame % 64)), path);
      continue;
    }
    const noise = Buffer.from(Uint8Array.from({ length: 80 * 45 * 3 }, () => next() >>> 24));
    const made = sharp(noise, { raw: { width: 80, height: 45, channels: 3 } }).resize(picture);
    await writeFile(path, await made.jpeg({ quality: 82 }).toBuffer());
  }
  const index = {
    format: 1,
    name: `${clips} clips`,
    encoder: { name: 'made', fingerprint: 'made' },
    code: {
      bytes,
      components,
      channels: 1408,
      scales: Array.from({ length: bytes }, (_, i) => (i < components ? 0.002 : 0.002 / 254)),
      overlap: null,
      colors: {
        center: Array(components).fill(0),
        directions: [0, 1, 2].map((c) => Array.from({ length: components }, (_, i) => Number(i === c))),
        limits: [0, 1, 2].map(() => [-0.25, 0.25]),
      },
    },
    tokens: clips * perClip,
    masked: 0,
    sequences: [{ name: 'made', frame: picture, picture, numbers: Array.from({ length: frames }, (_, i) => i) }],
    clips: Array.from({ length: clips }, (_, clip) => ({
      sequence: 0,
      frames: Array.from({ length: framesPerClip }, (_, i) => clip * framesPerClip + i),
      grid,
      geometry: { frameWidth: 720, frameHeight: 405, x: 157.5, y: 0, width: 405, height: 405 },
      chunk: Math.floor(clip / perChunk),
      offset: (clip % perChunk) * perClip,
    })),
    chunks,
    layers: [],
  };
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
}

/** Proportional memory of a process and its children, in MB. */
function memoryOf(folder) {
  const pids = execFileSync('pgrep', ['-f', folder], { encoding: 'utf8' }).trim().split('\n');
  const sizes = pids.map((pid) => {
    try {
      const text = execFileSync('cat', [`/proc/${pid}/smaps_rollup`], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1000;
    } catch {
      return 0;
    }
  });
  return Math.round(sizes.reduce((sum, size) => sum + size, 0));
}

/** In the page: how many times a second something is drawn anew on an element, when one event follows the other. */
async function timed(element, [type, init]) {
  const event = () => (type === 'wheel' ? new WheelEvent(type, init) : new KeyboardEvent(type, init));
  const begun = performance.now();
  for (let i = 0; i < 30; i++) {
    element.dispatchEvent(event());
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return 30_000 / (performance.now() - begun);
}

const root = await mkdtemp(join(tmpdir(), 'bench-explorer-'));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
try {
  await makeBundle(join(root, 'bundle'));
  const page = fileURLToPath(new URL('../packages/cli/page', import.meta.url));
  const serving = await serve({ page, bundle: join(root, 'bundle'), port: 0 });
  const profile = join(root, 'profile');
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath,
    args: ['--no-sandbox'],
    viewport: { width: 1440, height: 900 },
  });
  const view = await context.newPage();
  const empty = memoryOf(profile);
  const started = performance.now();
  await view.goto(serving.url);
  await view.waitForFunction(() => {
    const canvas = document.querySelector('.stage canvas');
    return canvas?.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3] > 0;
  });
  const first = performance.now() - started;
  const firstMemory = memoryOf(profile);
  await view.waitForFunction(() => !document.querySelector('header [role=status]'), undefined, { timeout: 300_000 });
  const loaded = performance.now() - started;
  const box = await view.locator('.stage canvas').boundingBox();
  const searches = [];
  for (let i = 0; i < 9; i++) {
    await view.mouse.click(box.x + box.width / 2 + (i - 4) * 20, box.y + box.height / 2);
    await view.waitForTimeout(700);
    const text = await view.locator('.panel [role=status]').textContent();
    searches.push(Number(/in ([\d,]+) ms/.exec(text)[1].replace(',', '')));
  }
  const line = await view.locator('.time-line').boundingBox();
  const frames = await view.evaluate(async ({ x, y, width }) => {
    const slider = document.querySelector('.time-line');
    const send = (type, at) =>
      slider.dispatchEvent(new PointerEvent(type, { clientX: at, clientY: y + 10, pointerId: 1, bubbles: true }));
    slider.setPointerCapture = () => undefined;
    send('pointerdown', x + 1);
    const times = [];
    for (let i = 0; i < 120; i++) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const before = performance.now();
      send('pointermove', x + 1 + (i / 120) * width * 0.02);
      times.push([performance.now(), performance.now() - before]);
    }
    send('pointerup', x + 1);
    return { rate: (1000 * 119) / (times.at(-1)[0] - times[0][0]), work: times.map(([, spent]) => spent) };
  }, line);
  // Points: how long it takes to see them, and how often they are drawn while they are turned and zoomed.
  const points = [];
  await view.getByText('Scatter').click();
  for (const count of [100_000, 1_000_000].filter((each) => each <= clips * perClip)) {
    const from = performance.now();
    await view.getByLabel('Points').selectOption(String(count));
    // A sample has about as many.
    await view.waitForFunction(
      (least) => {
        const said = /([\d,]+) tokens\. D/.exec(document.body.innerText)?.[1] ?? '0';
        return Number(said.replaceAll(',', '')) > least;
      },
      count / 2,
      { timeout: 60_000 },
    );
    const shown = performance.now() - from;
    await view.getByLabel('3-D').check();
    const space = view.getByRole('application', { name: /^Tokens by their first three/ });
    await space.scrollIntoViewIfNeeded();
    const turning = await space.evaluate(timed, ['keydown', { key: 'ArrowRight', bubbles: true }]);
    await view.getByLabel('3-D').uncheck();
    const plane = view.getByRole('img', { name: /^Tokens by their first two/ });
    const zooming = await plane.evaluate(timed, [
      'wheel',
      { deltaY: -10, clientX: 1100, clientY: 600, cancelable: true },
    ]);
    points.push([count, shown, turning, zooming]);
  }
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, ${context.browser()?.version() ?? ''}`,
  );
  console.log(
    `${clips.toLocaleString('en')} clips, ${(clips * perClip).toLocaleString('en')} tokens of ${bytes} bytes`,
  );
  console.log(`first picture        ${Math.round(first)} ms`);
  console.log(`all tokens loaded    ${Math.round(loaded)} ms`);
  console.log(
    `search over all      median ${median(searches)} ms, most ${Math.max(...searches)} ms (${searches.length} picks)`,
  );
  console.log(
    `scrubbing            ${frames.rate.toFixed(0)} frames/s, median ${median(frames.work).toFixed(1)} ms of work a frame`,
  );
  for (const [count, shown, turning, zooming] of points)
    console.log(
      `${count.toLocaleString('en').padEnd(10)} points    seen after ${Math.round(shown)} ms, turned at ${turning.toFixed(0)}, zoomed at ${zooming.toFixed(0)} frames/s`,
    );
  console.log(
    `memory of Chromium   ${empty} MB empty, ${firstMemory} MB at the first picture, ${memoryOf(profile)} MB with all tokens`,
  );
  await context.close();
  await serving.close();
} finally {
  await rm(root, { recursive: true, force: true });
}
