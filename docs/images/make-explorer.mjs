// Draws explorer.jpg: node docs/images/make-explorer.mjs RUN, where RUN is the output folder of `npm run demo`.
// A token of the coast is picked, and what is like it is looked for.

import { chromium } from 'playwright-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeBundle } from '../../packages/cli/dist/explore/make-bundle.js';
import { serve } from '../../packages/cli/dist/explore/serve.js';
import { whatToShow } from '../../packages/cli/dist/explore/what-to-show.js';
import { chromiumPath } from '../../tools/chromium.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'make-explorer-'));
const quiet = { signal: new AbortController().signal, progress: () => undefined, warn: console.warn };
await makeBundle(folder, { ...(await whatToShow(process.argv[2])), ...quiet });
const serving = await serve({ page: path('../../packages/cli/page'), bundle: join(folder, 'explorer'), port: 0 });
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, colorScheme: 'dark' });
await page.goto(`${serving.url}#f=4&p=0.2.4.13`);
await page.getByRole('radio', { name: 'Similarity' }).check();
await page.locator('.matches button').nth(5).waitFor();
await page.waitForLoadState('networkidle');
await page.waitForTimeout(500);
await page.screenshot({ path: path('explorer.jpg'), type: 'jpeg', quality: 82 });
await browser.close();
await serving.close();
await rm(folder, { recursive: true, force: true });
