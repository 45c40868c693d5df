// The version of the packages, as package.json says; all of them have one.

import { createRequire } from 'node:module';

export const coreVersion: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
