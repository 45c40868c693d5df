// Finds the browser of this machine, for tests that need one: node tools/chromium.mjs prints its path, or ends with 1.

import { existsSync } from 'node:fs';

/** The program; `undefined` where none is installed. */
export const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

/** What the title of a test that needs the browser ends with. */
export const withoutChromium = chromiumPath ? '' : ' (skipped: no Chromium is installed)';

if (process.argv[1] === import.meta.filename) {
  if (chromiumPath) console.log(chromiumPath);
  else process.exitCode = 1;
}
