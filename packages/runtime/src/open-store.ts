// The run store of an output: a folder, or a place in S3-compatible storage.

import type { RunStore } from '@deepearth/core/store';
import { folderStore } from './folder-store.ts';
import { isS3 } from './s3-address.ts';
import { s3Store } from './s3-store.ts';

/** The store of a folder or of "s3://bucket/prefix". Nothing is looked at or made before it is used. */
export const openStore = (output: string): RunStore => (isS3(output) ? s3Store(output) : folderStore(output));
