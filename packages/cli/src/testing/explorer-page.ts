// Opens the explorer's page in Chromium, for tests.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';

/** Where pictures of the page go, for people to look at; nowhere unless told. */
const shots = process.env['DEEPEARTH_SCREENSHOTS'];
const axe = fileURLToPath(new URL('../../../../node_modules/axe-core/axe.min.js', import.meta.url));

/** The built page. */
export const pagePath = fileURLToPath(new URL('../../page', import.meta.url));

/** Of the pixels that tests look at, which are not those that a user's page reads. */
const ofReadingPixels = 'willReadFrequently';

/**
 * A page that is there, and what went wrong in it: errors, warnings but those with a text that is `expected`, and
 * requests to anybody else.
 */
export async function openPage(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
  expected: readonly string[] = [ofReadingPixels],
): Promise<AsyncDisposable & { readonly view: Page; readonly wrong: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const view = await context.newPage();
  const wrong: string[] = [];
  view.on('pageerror', (error) => wrong.push(String(error)));
  view.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !expected.some((text) => message.text().includes(text)))
      wrong.push(message.text());
  });
  view.on('request', (request) => {
    if (!request.url().startsWith(url.split('#')[0]!) && !/^(blob|data):/.test(request.url()))
      wrong.push(request.url());
  });
  await view.goto(url);
  return { view, wrong, [Symbol.asyncDispose]: () => context.close() };
}

/** Keeps a picture of the page where `DEEPEARTH_SCREENSHOTS` names a folder. */
export async function screenshot(view: Page, name: string, fullPage = false): Promise<void> {
  if (!shots) return;
  await mkdir(shots, { recursive: true });
  await view.screenshot({ path: join(shots, `${name}.png`), fullPage });
}

/** What axe finds that is serious; the page has to be opened with `bypassCSP`. */
export async function seriousFindings(view: Page): Promise<string[]> {
  if (!(await view.evaluate(() => 'axe' in window))) await view.addScriptTag({ path: axe });
  return view.evaluate(async () => {
    const { violations } = await (window as any).axe.run();
    return violations
      .filter(({ impact }: any) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }: any) => `${id}: ${nodes.map(({ html }: any) => html).join(' ')}`);
  });
}
