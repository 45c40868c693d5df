// Draws explorer.jpg: node docs/images/make-explorer.mjs RUN, where RUN is the output folder of `npm run demo`.
// A token of the coast is picked, and what is like it is looked for.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { chromiumPath } from '../../tools/chromium.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const command = path('../../packages/cli/bin/deepearth.js');
const explorer = spawn(process.execPath, [command, 'explore', process.argv[2], '--no-open'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [url] = await once(explorer.stdout, 'data');
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, colorScheme: 'dark' });
  await page.goto(`${String(url).trim()}#f=4&p=0.2.4.13&layer=similarity`);
  await page.locator('.matches button').nth(5).waitFor();
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(500);
  await page.screenshot({ path: path('explorer.jpg'), type: 'jpeg', quality: 82 });
} finally {
  await browser.close();
  explorer.kill('SIGINT');
}
