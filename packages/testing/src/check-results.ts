// Laws about what comes out: it is what describe said, it has names and keys, it is the same every time.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import type { Artifact, Item } from '@deepearth/core/items';
import { sha256 } from '@deepearth/core/sha256';
import { describeAlone } from '@deepearth/runtime/run-stage';
import { isRefusal } from '@deepearth/core/stage';
import { contentDigest, itemDigest, mismatch } from './item-bytes.ts';
import { observe, textOf, type Seen } from './observe.ts';
import type { AnyStage, Check } from './subject.ts';
import { withInputs } from './with-inputs.ts';

const nonSource = (stage: AnyStage): boolean => stage.kind !== 'source';

export const resultChecks: readonly Check[] = [
  {
    title: 'ends without items when nothing comes in',
    applies: nonSource,
    async find(stage, subject) {
      const { items, error, opened, closed } = await observe(stage, subject, { limit: 0 });
      return [
        ...(error === undefined ? [] : [`it fails when nothing comes in: ${textOf(error)}`]),
        ...(items.length ? [`it makes ${items.length} items of nothing: ${items.map(({ id }) => id).join(', ')}`] : []),
        ...(opened === closed ? [] : [`it was opened ${opened} times and closed ${closed} times`]),
      ];
    },
  },
  {
    title: 'works on one item, or says what more it needs',
    applies: nonSource,
    async find(stage, subject) {
      const problems: string[] = [];
      const { error } = await observe(stage, subject, {
        limit: 1,
        look: async (seen) => void problems.push(...(seen.error === undefined ? await itemProblems(seen) : [])),
      });
      if (error !== undefined && !isInputError(error))
        problems.push(`it fails on one item with something that is no InputError: ${textOf(error)}`);
      return problems;
    },
  },
  {
    title:
      'makes of many items what it described: kind, axes, dtype and count; every item with an id of its own and a key',
    async find(stage, subject) {
      const problems: string[] = [];
      const described = await withInputs(subject, (inputs) =>
        describeAlone(stage, { options: subject.options, inputs }),
      );
      const seen = await observe(stage, subject, {
        look: async (run) => void problems.push(...(await itemProblems(run))),
      });
      if (seen.error !== undefined) return [`it fails: ${textOf(seen.error)}`];
      if (isRefusal(described)) return [`it refuses what it is tested with: ${described.refused}`];
      for (const item of seen.items) {
        const wrong = mismatch(item, described.output);
        if (wrong) problems.push(`${item.id} ${wrong}`);
      }
      const { count } = described.output;
      if (count !== null && count !== seen.items.length)
        problems.push(`${seen.items.length} items came out, describe says ${count}`);
      if (seen.opened !== seen.closed)
        problems.push(`it was opened ${seen.opened} times and closed ${seen.closed} times`);
      if (seen.items.length === 0) problems.push('nothing came out; test it with items that something comes of');
      return problems;
    },
  },
  {
    title: 'makes what the test expects',
    applies: (_, subject) => subject.output !== undefined,
    async find(stage, subject) {
      // The test's own assertion is passed on as it is, with its diff.
      let thrown: { readonly error: unknown } | undefined;
      await observe(stage, subject, {
        async look({ items, folder }) {
          try {
            await subject.output!(items as never, folder);
          } catch (error) {
            thrown = { error };
          }
        },
      });
      if (thrown) throw thrown.error;
      return [];
    },
  },
  {
    title: 'makes the same of the same items twice, to the byte, with the same keys',
    async find(stage, subject) {
      const digest = async (item: Item): Promise<string> =>
        subject.equal ? `${item.id} ${item.key}` : itemDigest(item);
      const taking = async (): Promise<{ items: readonly Item[]; digests: readonly string[] }> => {
        const { items } = await observe(stage, subject);
        return { items, digests: await Promise.all(items.map(digest)) };
      };
      const [one, other] = [await taking(), await taking()];
      if (one.items.length !== other.items.length)
        return [`${one.items.length} items came out, the second time ${other.items.length}`];
      return one.items.flatMap((item, index) => {
        const again = other.items[index]!;
        if (item.key !== again.key) return [`the key of ${item.id} is another the second time`];
        if (one.digests[index] !== other.digests[index]) return [`${item.id} is another the second time`];
        return subject.equal && !subject.equal(item, again) ? [`${item.id} is not equal the second time`] : [];
      });
    },
  },
  {
    title: 'gives different keys to different results, whatever the options',
    applies: (stage, subject) => stage.kind !== 'sink' || subject.otherOptions !== undefined,
    async find(stage, subject) {
      const runs = [
        await observe(stage, subject),
        ...(subject.otherOptions === undefined
          ? []
          : [await observe(stage, subject, { options: subject.otherOptions })]),
      ];
      const failed = runs.find(({ error }) => error !== undefined);
      if (failed) return [`it fails: ${textOf(failed.error)}`];
      const held = new Map<string, { id: string; content: string | undefined }>();
      const problems: string[] = [];
      for (const item of runs.flatMap(({ items }) => items)) {
        const content = await contentDigest(item);
        const former = held.get(item.key);
        if (former && former.content !== content)
          problems.push(`${former.id} and ${item.id} have one key, but hold different values`);
        held.set(item.key, { id: item.id, content });
      }
      return problems;
    },
  },
  {
    title: 'returns broken items and options with an error that a user can act on',
    applies: (_, subject) => subject.broken !== undefined,
    async find(stage, subject) {
      const { broken } = subject;
      const script = {
        ...(broken!.options === undefined ? {} : { options: broken!.options }),
        ...(broken!.inputs ? { inputs: broken!.inputs } : {}),
      };
      const { error, opened, closed, strays } = await observe(stage, subject, script);
      const problems = [
        ...(error === undefined
          ? ['it takes what is broken without a word']
          : broken!.says.test(textOf(error))
            ? []
            : [`its error does not say ${String(broken!.says)}: ${textOf(error)}`]),
        ...(error === undefined || (error as { code?: string }).code !== 'E_STAGE'
          ? []
          : [`its error is no InputError: ${textOf(error)}`]),
        ...(opened === closed ? [] : [`it was opened ${opened} times and closed ${closed} times`]),
        ...strays.map((path) => `it leaves ${path} behind, which is no artifact`),
      ];
      if (broken!.left === undefined) return problems;
      const skipping = await observe(stage, subject, { ...script, onError: 'skip' });
      if (skipping.error !== undefined)
        problems.push(`it fails although it was asked to skip: ${textOf(skipping.error)}`);
      if (skipping.items.length !== broken!.left)
        problems.push(`with onError: skip ${skipping.items.length} items come out, not ${broken!.left}`);
      if (!skipping.events.some(({ type }) => type === 'skipped'))
        problems.push('with onError: skip no event says what was skipped');
      return problems;
    },
  },
];

const isInputError = (error: unknown): boolean => {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof InputError) return true;
  return false;
};

/** Names, keys, and files of artifacts. */
async function itemProblems({ items, folder, strays }: Seen): Promise<string[]> {
  const ids = new Set<string>();
  const problems = strays.map(
    (path) => `it leaves ${path} in the output folder, which is no artifact; use context.output.write`,
  );
  for (const item of items) {
    if (typeof item.id !== 'string' || !item.id) problems.push(`an item of kind ${item.kind} has no id`);
    else if (ids.has(item.id)) problems.push(`two items have the id ${item.id}`);
    ids.add(item.id);
    if (!/^[0-9a-f]{16,128}$/.test(item.key))
      problems.push(`the key of ${item.id} is no hex digest: ${JSON.stringify(item.key)}; make it with context.key(…)`);
    if (item.kind === 'artifact') problems.push(...(await artifactProblems(item as Artifact, folder)));
  }
  return problems;
}

async function artifactProblems(
  { path, bytes, sha256: digest, mediaType }: Artifact,
  folder: string,
): Promise<string[]> {
  const content = await readFile(join(folder, path)).catch(() => undefined);
  if (!content) return [`there is no file ${path}`];
  return [
    ...(content.byteLength === bytes ? [] : [`${path} has ${content.byteLength} bytes, the artifact says ${bytes}`]),
    ...(sha256(content) === digest ? [] : [`${path} has another digest than the artifact says`]),
    ...(/^[a-z]+\/[a-z0-9.+-]+$/.test(mediaType) ? [] : [`${path} has a media type ${JSON.stringify(mediaType)}`]),
  ];
}
