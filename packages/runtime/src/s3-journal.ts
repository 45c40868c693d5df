// The journal of a run in a bucket: an object for each write, since none can be appended to.

import type { S3Client } from './s3-client.ts';
import { fewAtATime, getText, listObjects, putText, removeObject } from './s3-objects.ts';

/** A journal; see `RunStore`. */
export interface S3Journal {
  append(lines: readonly string[]): Promise<void>;
  read(): Promise<readonly string[]>;
  /** Ends it: removes it, or leaves it as one object. */
  settle(keep: boolean): Promise<void>;
}

/** A stretch of the journal: writes `from` to `to`, in one object. */
interface Piece {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/** So many objects are joined to one. */
const mostPieces = 128;

/**
 * The journal below a prefix. The name of an object tells which writes it holds: "000000001-000000128". One that joins
 * others is written before they are removed, and holds in their place from then on. No object is written twice: a
 * request that arrives late undoes nothing.
 */
export function s3Journal(client: S3Client, prefix: string): S3Journal {
  let waiting: string[] = [];
  /** The write under way, which is told to those who asked for it, and the one that is next. */
  let writing: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  let last: number | undefined;
  /** What this run wrote since it joined pieces. */
  let recent: { piece: Piece; text: string }[] = [];

  const pieceOf = (from: number, to: number): Piece => {
    const [first, final] = [from, to].map((number) => String(number).padStart(9, '0'));
    return { key: `${prefix}${first}-${final}`, from, to };
  };

  /** In order, without those that another holds too. */
  async function pieces(): Promise<{ readonly all: readonly Piece[]; readonly valid: readonly Piece[] }> {
    const all: Piece[] = [];
    for await (const { key } of listObjects(client, prefix)) {
      const [, from, to] = /^(\d+)-(\d+)$/.exec(key.slice(prefix.length)) ?? [];
      if (from && to) all.push({ key, from: Number(from), to: Number(to) });
    }
    all.sort((a, b) => a.from - b.from || b.to - a.to);
    let end = 0;
    const valid = all.filter(({ to }) => to > end && (end = to));
    return { all, valid };
  }

  const textOf = async (valid: readonly Piece[]): Promise<string> => {
    const texts: string[] = [];
    await fewAtATime(valid.entries(), async ([index, { key }]) => {
      texts[index] = (await getText(client, key))?.text ?? '';
    });
    return texts.join('');
  };

  const removeAll = (gone: readonly Piece[]): Promise<void> => fewAtATime(gone, ({ key }) => removeObject(client, key));

  async function write(): Promise<void> {
    last ??= (await pieces()).valid.at(-1)?.to ?? 0;
    const text = waiting.map((line) => `${line}\n`).join('');
    waiting = [];
    const piece = pieceOf(last + 1, last + 1);
    last++;
    await putText(client, piece.key, text);
    recent.push({ piece, text });
    if (recent.length < mostPieces) return;
    const joined = recent;
    recent = [];
    await putText(client, pieceOf(joined[0]!.piece.from, last).key, joined.map(({ text }) => text).join(''));
    await removeAll(joined.map(({ piece }) => piece));
  }

  return {
    append(lines) {
      waiting.push(...lines);
      return (next ??= writing.then(() => {
        next = undefined;
        const now = write();
        writing = now.catch(() => undefined);
        return now;
      }));
    },
    async read() {
      await writing;
      const text = await textOf((await pieces()).valid);
      return text.split('\n').filter((line) => line !== '');
    },
    async settle(keep) {
      await writing;
      recent = [];
      last = undefined;
      const { all, valid } = await pieces();
      if (!keep) return removeAll(all);
      if (all.length < 2) return;
      const whole = pieceOf(valid[0]!.from, valid.at(-1)!.to);
      if (valid.length > 1) await putText(client, whole.key, await textOf(valid));
      await removeAll(all.filter(({ key }) => key !== whole.key));
    },
  };
}
