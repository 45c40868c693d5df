// Tells the page that there is a second run.

import { readFile } from 'node:fs/promises';

/** The page's `index.html` with the folder of the second run in it, `beside/`. */
export async function besideHtml(path: string): Promise<string> {
  const html = await readFile(path, 'utf8');
  return html.replace('<head>', '<head>\n    <meta name="beside" content="beside/" />');
}
