// A run store in S3-compatible storage: whole objects only, a journal of objects, a lease for a lock.

import { stateFolder } from '@deepearth/core/safe-path';
import type { RunStore } from '@deepearth/core/store';
import { localRoom } from './local-room.ts';
import { parseS3Address } from './s3-address.ts';
import { s3Client, type S3Patience } from './s3-client.ts';
import { s3Journal } from './s3-journal.ts';
import { takeLease, type Lease, type LeaseTimes } from './s3-lease.ts';
import { fewAtATime, getText, listObjects, removeObject } from './s3-objects.ts';
import { openObject } from './s3-source.ts';
import { abortUpload, s3Upload, type BegunUpload } from './s3-upload.ts';

/** Of a store in S3. */
export interface S3StoreOptions {
  /** Keys, region and endpoint: the AWS_* variables; those of the process by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly patience?: S3Patience;
  readonly lease?: LeaseTimes;
}

/**
 * The store of "s3://bucket/prefix". Nothing is asked of the server before it is used. Scratch and work folders lie in
 * a temporary folder of this machine. Throws a `DeepEarthError` (`E_S3_ADDRESS`) for an address that is none.
 */
export function s3Store(address: string, { env, patience, lease: times }: S3StoreOptions = {}): RunStore {
  const { bucket, prefix } = parseS3Address(address);
  const name = `s3://${bucket}${prefix && `/${prefix}`}`;
  const client = s3Client(bucket, env, patience);
  const keyOf = (path: string): string => (prefix ? `${prefix}/${path}` : path);
  const state = keyOf(`${stateFolder}/`);
  const uploads = `${state}uploads/`;
  const journal = s3Journal(client, `${state}journal/`);
  const room = localRoom();
  let lease: Lease | undefined;
  let serial = 0;

  const hold = async (): Promise<void> => lease?.hold();
  const writer = (path: string) =>
    s3Upload(client, path, { keyOf, uploads, room: () => room.scratch(`uploads/${serial++}`), hold });

  /** Takes back the uploads in parts of a run that was killed. */
  async function abortUploads(): Promise<void> {
    const marks: string[] = [];
    for await (const { key } of listObjects(client, uploads)) marks.push(key);
    await fewAtATime(marks, async (mark) => {
      const upload = JSON.parse((await getText(client, mark))?.text ?? 'null') as BegunUpload | null;
      if (upload) await abortUpload(client, upload);
      await removeObject(client, mark);
    });
  }

  return {
    name,
    get: (path) => openObject(client, keyOf(path)),
    has: async (path) => (await client.send({ method: 'HEAD', key: keyOf(path), also: [404] })).status === 200,
    async put(path, content) {
      const writing = writer(path);
      try {
        if (content instanceof Uint8Array) await writing.append(content);
        else for await (const piece of content) await writing.append(piece);
        return await writing.commit();
      } finally {
        await writing.discard();
      }
    },
    writer: async (path) => writer(path),
    async *list(below = '') {
      const own = below.startsWith(stateFolder);
      const found: { path: string; bytes: number }[] = [];
      for await (const { key, bytes } of listObjects(client, keyOf(below))) {
        const path = key.slice(keyOf('').length);
        if (own || !path.startsWith(`${stateFolder}/`)) found.push({ path, bytes });
      }
      // Servers list in the order of bytes, or in none.
      yield* found.sort((a, b) => (a.path < b.path ? -1 : 1));
    },
    async remove(path) {
      await hold();
      await removeObject(client, keyOf(path));
    },
    async pathOf(file) {
      const [own, served] = [`s3://${bucket}/${keyOf('')}`, client.urlOf(keyOf('')).href];
      const path = file.startsWith(own)
        ? file.slice(own.length)
        : file.startsWith(served) && URL.canParse(file)
          ? decoded(file.slice(served.length).replace(/[?#].*$/, ''))
          : '';
      return path || undefined;
    },
    async lock() {
      const taken = await takeLease(client, state, name, times);
      try {
        await abortUploads();
      } catch (error) {
        await taken.release();
        throw error;
      }
      lease = taken;
      return {
        ...(taken.lost && { lost: taken.lost }),
        async release() {
          await room.remove();
          await taken.release();
          if (lease === taken) lease = undefined;
        },
      };
    },
    scratch: (name) => room.scratch(`work/${name}`),
    workFolder: (name) => room.folder(`work/${name}`),
    async appendJournal(...lines) {
      await hold();
      await journal.append(lines);
    },
    readJournal: () => journal.read(),
    async settle(keepJournal) {
      await room.remove();
      // The journal is another run's then.
      if (lease?.lost?.aborted) return;
      await hold();
      await journal.settle(keepJournal);
    },
  };
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
};
