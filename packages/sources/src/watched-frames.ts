// Makes frames of the files of a watched folder, each as soon as it is whole, in order.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, type Frame, type StageContext } from '@deepearth/core';
import { folderWatch } from './folder-watch.ts';
import type { FrameFile } from './frame-file.ts';
import { sameSize, type Size } from './frame-size.ts';
import { growingSequences, type Growing } from './growing-sequences.ts';
import { byName } from './picture-folder.ts';
import { pictureFrames, type KnownPicture } from './picture-frames.ts';
import { fixedStretch } from './series-stretch.ts';
import { same, type WaitingFile } from './stable-files.ts';
import { beginNotes, formerWatch, noteSent, type SentFrame } from './watch-notes.ts';
import type { WatchOptions } from './watch-options.ts';
import { fileOrder, type FileOrder, type FilePlace } from './watch-order.ts';
import { oddOfOne } from './frames-remarks.ts';
import { watchTally } from './watch-tally.ts';

/** Said after the name of a picture. */
export const wideWithoutStretch = 'has values of more than 8 bits, and nothing says which of them are black and white.';
/** What to do about that. */
export const stretchRemedy =
  'Give the values that become black and white: `stretch: { range: [low, high] }`, `stretch: { manifest: … }` for those that an earlier run found, or `stretch: type`.';

/** A file that nobody writes to, with its place among the others. */
type ReadyFile = WaitingFile & { readonly place: FilePlace; readonly sequence: Growing };

/** Seconds of a clock that only goes forward. */
const clock = (): number => performance.now() / 1000;

/** Names that the notation of times is found from. */
const mostNames = 64;

/** Ends when all of a range was sent or the idle time is over; else it goes on until the run is stopped. */
export async function* watchedFrames(
  context: StageContext<WatchOptions, undefined, { readonly size?: Size | undefined }>,
): AsyncGenerator<Frame> {
  const { options, signal, log, notes, recordInput, attempt, survey } = context;
  const { directory, recursive, patienceSeconds, pollSeconds, stableSeconds, idleEndSeconds = Infinity } = options;
  const pictures = await pictureFrames(context);
  const stretch = await fixedStretch(context);
  pictures.stretched(stretch);
  const count = watchTally(context);
  const sequences = growingSequences(context, pictures, recursive ? undefined : survey?.size);
  const folder = folderWatch(context, count, clock());
  /** Whole files that wait for an earlier one, and since when. */
  const held = new Map<string, number>();
  let order: FileOrder | undefined;

  const { former, other } = await formerWatch(notes, options);
  if (other) log.warn('the run that is resumed watched with other options: all files are taken anew');
  if (former) {
    log.info(`${directory}: goes on after ${former.frames.length} frames of the run that is resumed`);
    for (const sent of former.frames) {
      signal.throwIfAborted();
      const frame = await again(sent);
      if (frame) yield frame;
    }
    const names = former.frames.slice(0, mostNames).map(({ file }) => file);
    order = await fileOrder(names, names.slice(0, 1), { ...options, order: former.order });
  }

  while (!sequences.complete()) {
    signal.throwIfAborted();
    const begun = clock();
    await folder.look(begun);
    const ready = await readyFiles(begun);
    for (const [index, file] of ready.entries()) {
      // The consumer may have taken its time: what has come meanwhile may belong before the rest.
      if (index > 0 && clock() - begun > pollSeconds) break;
      const frame = await frameOf(file);
      if (frame) yield frame;
      // One that is not whole after all holds those behind it.
      if (folder.isWaiting(file.file) || sequences.complete()) break;
    }
    if (ready.length > 0) continue;
    const idle = folder.idleSeconds(begun);
    if (idle >= idleEndSeconds) return;
    const soonest = idle > 0 ? idleEndSeconds - idle : stableSeconds;
    // A folder that takes long to list is listed less often.
    const pause = Math.max(Math.min(pollSeconds, soonest), 4 * (clock() - begun));
    await sleep(1000 * pause, undefined, { signal });
  }

  /** A frame that was sent before; its file is opened only where it has changed. `undefined` where it is skipped. */
  async function again(sent: SentFrame): Promise<Frame | undefined> {
    const { file, number, at, bytes, sha256, width, height, depth } = sent;
    const sequence = sequences.named(sent.sequence);
    const found = await folder.lookAt(file);
    folder.done(file);
    sequence.numbers.add(String(number));
    if (!found) count('gone', file);
    const known = { name: join(directory, file), sha256, width, height, depth };
    let picture: KnownPicture | undefined = known;
    let length = bytes;
    if (found && !same(found, sent)) {
      const opened = await attempt({ id: file }, () => load(file, sequence));
      [picture, length] = [opened, opened?.bytes.length ?? 0];
    }
    if (!picture) {
      sequence.count++;
      return undefined;
    }
    sequence.size ??= picture;
    recordInput({ path: picture.name, bytes: length, sha256: picture.sha256 });
    const place = { number, ...(at !== undefined && { instant: BigInt(at) }) };
    return sequences.add(sequence, { file, place, number }, picture);
  }

  /** Files that are whole, in order, without those that wait for an earlier one. */
  async function readyFiles(now: number): Promise<ReadyFile[]> {
    const { whole, unfinished } = folder.waiting(now);
    if (whole.length === 0) return [];
    if (!order) {
      const names = [...whole, ...unfinished].map(({ file }) => file);
      order = await fileOrder(
        names,
        whole.map(({ file }) => file),
        options,
      );
      log.info(`${directory}: ordered by ${order.reason}`);
      await beginNotes(notes, options, order.order);
    }
    const { compare, inNames, placeOf } = order;
    const ready: ReadyFile[] = [];
    for (const each of whole) {
      signal.throwIfAborted();
      const place = await placed(each.file, placeOf);
      if (place) ready.push({ ...each, place, sequence: sequences.of(each.file) });
    }
    ready.sort(
      (a, b) =>
        compare({ ...a.place, file: a.file }, { ...b.place, file: b.file }) ||
        a.modified - b.modified ||
        byName(a.file, b.file),
    );
    if (!inNames || unfinished.length === 0) return ready;
    const earlier: (FilePlace & { readonly file: string; readonly sequence: Growing })[] = [];
    for (const { file } of unfinished) {
      const place = await placeOf(file).catch(() => undefined);
      if (place) earlier.push({ ...place, file, sequence: sequences.of(file) });
    }
    return ready.filter(({ file, place, sequence }) => {
      if (!earlier.some((other) => other.sequence === sequence && compare(other, { ...place, file }) < 0)) return true;
      const since = held.get(file) ?? now;
      held.set(file, since);
      return now - since >= patienceSeconds;
    });
  }

  /** Where a file belongs; one that belongs nowhere is done with. */
  async function placed(file: string, placeOf: FileOrder['placeOf']): Promise<FilePlace | undefined> {
    let unplaced = false;
    const place = await attempt({ id: file }, async () => {
      const found = await placeOf(file);
      unplaced = found === undefined;
      return found;
    });
    if (place) return place;
    folder.done(file);
    if (unplaced) count('unplaced', file);
    return undefined;
  }

  /** The frame of a file; `undefined` where it is late, gone, damaged, or still being written. */
  async function frameOf(ready: ReadyFile): Promise<Frame | undefined> {
    const { file, place, sequence } = ready;
    held.delete(file);
    if (sequence.last && order!.compare({ ...place, file }, sequence.last) < 0) {
      folder.done(file);
      if (options.late === 'warn') count('late', file);
      else await refused(file, lateError(directory, file, sequence.last.file));
      return undefined;
    }
    const read = await load(file, sequence).catch((error: unknown) => {
      signal.throwIfAborted();
      return error instanceof InputError ? error : Promise.reject(error as Error);
    });
    // It may have been written to while it was read.
    const after = await folder.lookAt(file);
    if (!after || !same(after, ready)) {
      folder.changed(file, after, clock());
      return undefined;
    }
    if (read instanceof InputError) {
      if (read.code === 'E_STRETCH') throw read;
      if (read.code === 'E_FRAME_UNREADABLE' && ready.quietSeconds < patienceSeconds) {
        folder.notWhole(file);
        return undefined;
      }
    }
    if (place.number !== undefined && !sequence.numbers.add(String(place.number))) {
      folder.done(file);
      await refused(file, duplicateError(directory, file, place.number));
      return undefined;
    }
    const picture = read instanceof InputError ? await attempt({ id: file }, () => load(file, sequence)) : read;
    folder.done(file, picture && after);
    if (!picture) return undefined;
    const { sha256, width, height, depth } = picture;
    sequence.size ??= { width, height };
    const number = place.number ?? sequence.count;
    const at = place.instant === undefined ? {} : { at: String(place.instant) };
    // Before it is sent: a run that is killed now sends it again, under the same number.
    await noteSent(notes, { file, sequence: sequence.name, number, ...at, ...after, sha256, width, height, depth });
    recordInput({ path: picture.name, bytes: picture.bytes.length, sha256 });
    const odd = oddOfOne(picture);
    if (odd.length) count('odd', file, odd.join(', '));
    return sequences.add(sequence, { file, place, number }, picture);
  }

  function refused(file: string, error: InputError): Promise<unknown> {
    return attempt({ id: file }, () => Promise.reject(error));
  }

  /** Opens a picture, decodes it where `verify` is set, and makes sure that it goes with those before it. */
  async function load(file: string, { size }: Growing): Promise<FrameFile> {
    const picture = await pictures.open(join(directory, file));
    if (picture.depth !== 'uint8' && !stretch && options.stretch === undefined)
      throw new InputError(picture.name, wideWithoutStretch, { code: 'E_STRETCH', remedy: stretchRemedy });
    if (options.sizes === 'same' && size) sameSize(size, picture, 'frames before it are');
    await pictures.verify(picture);
    return picture;
  }
}

const lateError = (directory: string, file: string, last: string): InputError =>
  new InputError(join(directory, file), `belongs before ${last}, which has been sent.`, {
    code: 'E_LATE_FRAME',
    remedy: 'With `late: warn` such pictures are left out and counted; a larger `stableSeconds` waits longer for them.',
  });

const duplicateError = (directory: string, file: string, number: number): InputError =>
  new InputError(join(directory, file), `has the frame number ${number}, which was sent before.`, {
    code: 'E_DUPLICATE_FRAME',
    remedy: 'Say with `pattern` where the number stands, or leave it out: frames are then numbered as they come.',
  });
