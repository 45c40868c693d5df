// Whether shards of other work lie in an output folder.

import type { WorkList } from '@deepearth/core/work-list';
import { agreedCount, refuseOtherWork } from './shared-work-list.ts';
import { shardsFolder } from './shards.ts';

/** Throws a `DeepEarthError` (`E_SHARDS_DIFFER`) where shards of an output folder have begun that do other work. */
export async function refuseOtherShards(output: string, work: WorkList): Promise<void> {
  const folder = shardsFolder(output);
  if ((await agreedCount(folder)) !== undefined) await refuseOtherWork(folder, work);
}
