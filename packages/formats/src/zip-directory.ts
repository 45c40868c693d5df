// The central directory of a ZIP archive: found, read and checked for everything that makes readers disagree.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from './bytes.ts';
import { show } from './printable.ts';

/** One line of the directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly rawName: Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly compression: 'stored' | 'deflated';
  readonly crc32: number;
  readonly size: number;
  readonly compressedSize: number;
  /** Offset of the entry's local header from the start of the file. */
  readonly offset: number;
  /** Where the next entry, or the directory, starts: the entry has to end before. */
  readonly end: number;
}

/** A directory of a million entries; more is no data of ours. */
const mostDirectoryBytes = 100_000_000;
/** Deflate cannot do better than 1:1032. */
const bestRatio = 1032;
const endBytes = 22;

type Refuse = (message: string) => never;
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Reads the directory. Throws an `InputError` for damage, encryption, several disks, names that leave the folder or
 * (unless `repeated` is `last`) come twice, overlaps and impossible sizes.
 */
export async function readDirectory(
  source: ByteSource,
  signal?: AbortSignal,
  { repeated = 'refused' }: { readonly repeated?: 'refused' | 'last' } = {},
): Promise<DirectoryEntry[]> {
  const refuse: Refuse = (message) => {
    throw new InputError(source.name, `is no valid ZIP archive: ${message}.`, { code: 'E_ZIP' });
  };
  const { count, offset, size } = await findDirectory(source, refuse, signal);
  if (size > mostDirectoryBytes) refuse(`its directory would be ${size} bytes, the limit is ${mostDirectoryBytes}`);
  if (count * 46 > size) refuse(`its directory of ${size} bytes cannot hold ${count} entries`);
  const bytes = await source.read(offset, size, signal);
  const entries: Omit<DirectoryEntry, 'end'>[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const [entry, length] = parseEntry(bytes.subarray(at), refuse);
    at += length;
    if (names.has(entry.name) && repeated === 'refused') refuse(`two entries are called ${show(entry.name)}`);
    names.add(entry.name);
    entries.push(entry);
  }
  if (at !== size) refuse(`its directory has ${size} bytes, of which ${count} entries take ${at}`);
  return withEnds(entries, offset, refuse);
}

/**
 * Adds where each entry has to end. Whether a longer local header makes it overlap is looked at when the entry is read.
 */
function withEnds(
  entries: readonly Omit<DirectoryEntry, 'end'>[],
  directory: number,
  refuse: Refuse,
): DirectoryEntry[] {
  const ordered = [...entries].sort((a, b) => a.offset - b.offset);
  const ends = new Map<Omit<DirectoryEntry, 'end'>, number>();
  ordered.forEach((entry, i) => {
    const end = ordered[i + 1]?.offset ?? directory;
    const least = entry.offset + 30 + entry.rawName.byteLength + entry.compressedSize;
    if (least > end)
      refuse(
        `entry ${show(entry.name)} overlaps ${i + 1 < ordered.length ? `entry ${show(ordered[i + 1]!.name)}` : 'the directory'}`,
      );
    ends.set(entry, end);
  });
  return entries.map((entry) => ({ ...entry, end: ends.get(entry)! }));
}

async function findDirectory(
  source: ByteSource,
  refuse: Refuse,
  signal?: AbortSignal,
): Promise<{ count: number; offset: number; size: number }> {
  const tailBytes = Math.min(source.size, endBytes + 0xffff);
  const tailStart = source.size - tailBytes;
  const tail = await source.read(tailStart, tailBytes, signal);
  const tailView = view(tail);
  let at = tailBytes - endBytes;
  // The end record is the one whose comment ends with the file.
  while (
    at >= 0 &&
    !(tailView.getUint32(at, true) === 0x06054b50 && at + endBytes + tailView.getUint16(at + 20, true) === tailBytes)
  )
    at--;
  if (at < 0) refuse('it has no end record: cut short, or something else');
  const disks = [tailView.getUint16(at + 4, true), tailView.getUint16(at + 6, true)];
  const onDisk = tailView.getUint16(at + 8, true);
  const plain = {
    count: tailView.getUint16(at + 10, true),
    size: tailView.getUint32(at + 12, true),
    offset: tailView.getUint32(at + 16, true),
  };
  let found = plain;
  let directoryEnd = tailStart + at;
  const locatorAt = directoryEnd - 20;
  const locator = locatorAt >= 0 ? await source.read(locatorAt, 20, signal) : undefined;
  if (locator && view(locator).getUint32(0, true) === 0x07064b50) {
    const recordAt = Number(view(locator).getBigUint64(8, true));
    if (view(locator).getUint32(4, true) !== 0 || view(locator).getUint32(16, true) > 1)
      refuse('it is spread over several disks');
    if (recordAt + 56 > locatorAt) refuse('its ZIP64 end record is not where it should be');
    const record = view(await source.read(recordAt, 56, signal));
    if (record.getUint32(0, true) !== 0x06064b50 || record.getBigUint64(4, true) !== BigInt(locatorAt - recordAt - 12))
      refuse('its ZIP64 end record is damaged');
    if (record.getUint32(16, true) !== 0 || record.getUint32(20, true) !== 0) refuse('it is spread over several disks');
    const [here, count, size, offset] = [24, 32, 40, 48].map((field) => Number(record.getBigUint64(field, true))) as [
      number,
      number,
      number,
      number,
    ];
    if (here !== count) refuse('it is spread over several disks');
    const same = (short: number, long: number, none: number): boolean => short === long || short === none;
    if (
      !same(plain.count, count, 0xffff) ||
      !same(plain.size, size, 0xffffffff) ||
      !same(plain.offset, offset, 0xffffffff)
    )
      refuse('its two end records disagree');
    found = { count, size, offset };
    directoryEnd = recordAt;
  } else if (disks[0] !== 0 || disks[1] !== 0 || onDisk !== plain.count) refuse('it is spread over several disks');
  if (found.offset + found.size !== directoryEnd)
    refuse(`its directory should end at byte ${directoryEnd} and ends at ${found.offset + found.size}`);
  return found;
}

function parseEntry(bytes: Uint8Array, refuse: Refuse): [Omit<DirectoryEntry, 'end'>, number] {
  if (bytes.byteLength < 46) refuse('its directory is cut short');
  const head = view(bytes);
  if (head.getUint32(0, true) !== 0x02014b50) refuse('its directory is damaged');
  const [nameLength, extraLength, commentLength] = [
    head.getUint16(28, true),
    head.getUint16(30, true),
    head.getUint16(32, true),
  ];
  const length = 46 + nameLength + extraLength + commentLength;
  if (length > bytes.byteLength) refuse('its directory is cut short');
  const flags = head.getUint16(8, true);
  const rawName = bytes.slice(46, 46 + nameLength);
  const name = decodeName(rawName, Boolean(flags & 0x800), refuse);
  const entry = `entry ${show(name)}`;
  if (flags & 0x2041) refuse(`${entry} is encrypted`);
  const method = head.getUint16(10, true);
  if (method !== 0 && method !== 8)
    refuse(`${entry} is compressed by method ${method}; only stored and deflated entries are read`);
  const sizes = {
    size: head.getUint32(24, true),
    compressedSize: head.getUint32(20, true),
    offset: head.getUint32(42, true),
  };
  let disk = head.getUint16(34, true);
  const wide = extraField(bytes.subarray(46 + nameLength, 46 + nameLength + extraLength), 1, entry, refuse);
  let used = 0;
  for (const key of ['size', 'compressedSize', 'offset'] as const) {
    if (sizes[key] !== 0xffffffff || !wide) continue;
    if (used + 8 > wide.byteLength) refuse(`${entry} has a ZIP64 field that is cut short`);
    const value = view(wide).getBigUint64(used, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) refuse(`${entry} has the impossible ${key} ${value}`);
    sizes[key] = Number(value);
    used += 8;
  }
  if (disk === 0xffff && wide && used + 4 <= wide.byteLength) disk = view(wide).getUint32(used, true);
  if (disk !== 0) refuse('it is spread over several disks');
  if (method === 0 && sizes.size !== sizes.compressedSize)
    refuse(`${entry} is stored, but its sizes ${sizes.size} and ${sizes.compressedSize} differ`);
  if (method === 8 && sizes.size > sizes.compressedSize * bestRatio + bestRatio)
    refuse(`${entry} declares ${sizes.size} bytes in ${sizes.compressedSize}, which deflate cannot do`);
  return [
    {
      name,
      rawName,
      flags,
      method,
      compression: method === 0 ? 'stored' : 'deflated',
      crc32: head.getUint32(16, true),
      ...sizes,
    },
    length,
  ];
}

/** The content of the extra field `id`. Throws when it is there twice. */
export function extraField(extra: Uint8Array, id: number, entry: string, refuse: Refuse): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const length = view(extra).getUint16(at + 2, true);
    if (view(extra).getUint16(at, true) === id) {
      if (found || at + 4 + length > extra.byteLength) refuse(`${entry} has a broken extra field`);
      found = extra.subarray(at + 4, at + 4 + length);
    }
    at += 4 + length;
  }
  return found;
}

// The upper half of code page 437, which names without the UTF-8 flag are in.
const codePage437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

function decodeName(raw: Uint8Array, utf8: boolean, refuse: Refuse): string {
  let name = '';
  if (utf8) {
    try {
      name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
    } catch {
      refuse('the name of an entry is no valid UTF-8');
    }
  } else name = Array.from(raw, (byte) => (byte < 128 ? String.fromCharCode(byte) : codePage437[byte - 128]!)).join('');
  const problem = nameProblem(name);
  if (problem) refuse(`the entry name ${show(name)} ${problem}`);
  return name;
}

/** Why a name must not be an entry's; `undefined` when it may. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (/\p{Cc}/u.test(name)) return 'holds control characters';
  if (name.includes('\\')) return 'holds a backslash';
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return 'is absolute';
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
  if (parts.some((part) => part === '..' || part === '.')) return 'leaves its folder';
  if (parts.some((part) => part === '')) return 'has an empty part';
  return undefined;
}
