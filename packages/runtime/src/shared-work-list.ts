// What the shards of an output have agreed to do: a file that the first of them makes.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { canonicalJson } from '@deepearth/core/lineage';
import { makeFolder } from '@deepearth/core/regular-file';
import type { WorkList } from '@deepearth/core/work-list';
import { createOnce } from './create-once.ts';
import { openStore } from './open-store.ts';
import { isS3, parseS3Address } from './s3-address.ts';
import { s3Client } from './s3-client.ts';
import { putTextOnce } from './s3-objects.ts';

/** What is agreed on. */
interface Agreed {
  readonly format: 1;
  readonly name: string;
  readonly jobs: readonly string[];
  readonly recipe: WorkList['recipe'];
}

const fileName = 'work-list.json';

const agreedOf = ({ name, jobs, recipe }: WorkList): Agreed => ({
  format: 1,
  name,
  jobs: jobs.map((job) => job.name),
  recipe,
});

/**
 * Takes down the work of the shards of a folder, or throws a `DeepEarthError` (`E_SHARDS_DIFFER`) where other work was.
 */
export async function agreeOnWork(folder: string, work: WorkList): Promise<void> {
  if (!(await readAgreed(folder))) {
    const text = `${JSON.stringify(agreedOf(work))}\n`;
    if (isS3(folder)) {
      const { bucket, prefix } = parseS3Address(folder);
      await putTextOnce(s3Client(bucket), `${prefix}/${fileName}`, text);
    } else {
      await makeFolder(folder);
      const aside = join(folder, `agreeing.${randomBytes(8).toString('hex')}`);
      if (await createOnce(join(folder, fileName), text, aside)) return;
    }
  }
  await refuseOtherWork(folder, work);
}

/** Takes back what was agreed on: the shards are not needed any more. */
export const forgetWork = (folder: string): Promise<void> => openStore(folder).remove(fileName);

/** Throws a `DeepEarthError` (`E_SHARDS_DIFFER`) where the shards of a folder do other work. */
export async function refuseOtherWork(folder: string, work: WorkList): Promise<void> {
  const agreed = await readAgreed(folder);
  if (!agreed) throw different(folder, `${folder}/${fileName} cannot be read`);
  if (agreed.name !== work.name) throw different(folder, differenceOf(agreed, agreedOf(work)));
}

const different = (folder: string, difference: string): DeepEarthError =>
  new DeepEarthError(`the shards in ${folder} are of other work: ${difference}.`, {
    code: 'E_SHARDS_DIFFER',
    remedy: `Give all shards, and the merge, the same pipeline, options and input; to begin anew, remove ${folder} or choose another --output.`,
  });

/** In how many parts the work of a folder is cut; `undefined` where no shard has begun. */
export const agreedCount = async (folder: string): Promise<number | undefined> =>
  (await readAgreed(folder))?.jobs.length;

async function readAgreed(folder: string): Promise<Agreed | undefined> {
  const file = await openStore(folder).get(fileName);
  if (!file) return undefined;
  try {
    const agreed = JSON.parse(new TextDecoder().decode(await file.read(0, file.size))) as Partial<Agreed>;
    return agreed.format === 1 && Array.isArray(agreed.jobs) && Array.isArray(agreed.recipe)
      ? (agreed as Agreed)
      : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  } finally {
    await file.close();
  }
}

/** How the work differs, in words. */
function differenceOf(there: Agreed, here: Agreed): string {
  if (there.jobs.length !== here.jobs.length)
    return `they are ${there.jobs.length} parts, and this is one of ${here.jobs.length}`;
  const stages = (list: Agreed): string => list.recipe.map(({ id }) => id).join(', ');
  if (stages(there) !== stages(here)) return `they run ${stages(there)}, this one ${stages(here)}`;
  for (const [index, stage] of here.recipe.entries()) {
    const before = there.recipe[index]!;
    const [old, now] = [before.with, stage.with].map((options) => options as Readonly<Record<string, unknown>>);
    const option = Object.keys({ ...old, ...now }).find(
      (name) => canonicalJson(old![name] ?? null) !== canonicalJson(now![name] ?? null),
    );
    if (option !== undefined)
      return `${stage.id}.${option} is ${JSON.stringify(old![option])} there and ${JSON.stringify(now![option])} here`;
    if (canonicalJson([before.type, before.from]) !== canonicalJson([stage.type, stage.from]))
      return `${stage.id} is ${before.type} from ${before.from.join(', ')} there, and ${stage.type} from ${stage.from.join(', ')} here`;
  }
  return 'the input has changed since they began (another number of frames, or other files)';
}
