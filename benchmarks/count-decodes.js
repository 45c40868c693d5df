// Counts the pictures that sharp decodes: node --import ./benchmarks/count-decodes.js PROGRAM
// When the process ends it adds the number to the file that COUNT_DECODES names.

import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The program's own sharp, which may be that of another checkout, in the form that import takes.
const path = createRequire(process.argv[1]).resolve('sharp').replace(/cjs$/, 'mjs');
const { default: sharp } = await import(pathToFileURL(path).href);
const { toBuffer } = sharp.prototype;
let decodes = 0;
sharp.prototype.toBuffer = function (...given) {
  // From a file's bytes to values; from values to values is a change of size, to a file's bytes it is written.
  const { input, formatOut } = this.options;
  if (formatOut === 'raw' && !input.rawChannels) decodes++;
  return toBuffer.apply(this, given);
};
process.on('exit', () => appendFileSync(process.env.COUNT_DECODES, `${decodes}\n`));
