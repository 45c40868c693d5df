// Time and memory of a long list: node benchmarks/lists.mjs [ROWS...]
// Each size runs in a process of its own: the plan (one pass), and a run to its first frame (a second pass, put in
// order).

import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { list } from '@deepearth/sources/list';

const [first, ...more] = process.argv.slice(2);

if (first === '--one') {
  const options = { path: more[0] };
  const seconds = (from) => ((performance.now() - from) / 1000).toFixed(1);
  const started = performance.now();
  await describeAlone(list, { options });
  const plan = seconds(started);
  const running = performance.now();
  let frame;
  for await (const item of runStage(list, { options, onError: 'skip' })) {
    frame = item.id;
    break;
  }
  // `maxRSS` counts KiB.
  const rss = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ plan, first: seconds(running), frame, rss }));
} else {
  const folder = await mkdtemp(join(tmpdir(), 'lists-'));
  await sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } })
    .png()
    .toFile(join(folder, 'p.png'));
  console.log('| rows | plan, s | to the first frame, s | peak memory, MiB |\n| ---: | ---: | ---: | ---: |');
  for (const rows of [first ?? 1000, ...(first ? more : [100_000, 1_000_000])].map(Number)) {
    const path = join(folder, `${rows}.csv`);
    const file = createWriteStream(path);
    file.write('path,time,camera,latitude,longitude,species,comment\n');
    for (let i = 0; i < rows; i++) {
      // In an order that has nothing to do with that of time, under names that all lead to one picture.
      const at = (i * 7919) % rows;
      const name = `p.png`;
      const time = new Date(Date.UTC(2020, 0, 1) + at * 1000).toISOString();
      if (
        !file.write(
          `${at === 0 ? name : `missing/IMG_${at}.png`},${time},camera-${at % 50},47.5,11.3,fox,"seen, once"\n`,
        )
      )
        await once(file, 'drain');
    }
    file.end();
    await once(file, 'close');
    const text = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--one', path], { encoding: 'utf8' });
    const { plan, first: toFirst, rss } = JSON.parse(text);
    console.log(`| ${rows.toLocaleString('en')} | ${plan} | ${toFirst} | ${rss} |`);
  }
  await rm(folder, { recursive: true });
}
