// Takes the samples out of an MP4 file with one H.264 track.

/** A group of coded pictures: a key frame and those that follow it. */
export interface H264Group {
  /** Sequence and picture heads, without start codes. */
  readonly sequenceHead: Uint8Array;
  readonly pictureHead: Uint8Array;
  /** Bytes of each sample, in order. */
  readonly sizes: readonly number[];
  /** The samples, one after another. */
  readonly samples: Uint8Array;
}

/**
 * The samples of the file's only track, which lie one after another in its only `mdat`, and the heads they need
 * (ISO/IEC 14496-12 and 14496-15).
 *
 * @throws Error where the file is built otherwise.
 */
export function mp4Samples(file: Uint8Array): H264Group {
  const table = find(file, 'moov', 'trak', 'mdia', 'minf', 'stbl');
  const description = find(table, 'stsd').subarray(8);
  const configuration = find(find(description, 'avc1').subarray(78), 'avcC');
  const sequenceHead = sized(configuration, 6);
  const pictureHead = sized(configuration, 6 + 2 + sequenceHead.length + 1);
  const list = view(find(table, 'stsz'));
  // A size for all samples, or zero and a list.
  const every = list.getUint32(4);
  const sizes = Array.from({ length: list.getUint32(8) }, (_, i) => every || list.getUint32(12 + 4 * i));
  const samples = find(file, 'mdat');
  const sum = sizes.reduce((total, size) => total + size, 0);
  if (sum !== samples.length) throw new Error(`samples of ${sum} bytes, but ${samples.length} bytes of data`);
  return { sequenceHead, pictureHead, sizes, samples };
}

const view = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView => new DataView(buffer, byteOffset, byteLength);

/** What stands at `at` after its length in two bytes. */
const sized = (bytes: Uint8Array, at: number): Uint8Array => bytes.subarray(at + 2, at + 2 + view(bytes).getUint16(at));

/** The content of the first box of that name, each inside of the one before. */
function find(bytes: Uint8Array, ...path: readonly string[]): Uint8Array {
  return path.reduce((outer, name) => {
    for (let at = 0; at + 8 <= outer.length;) {
      const short = view(outer).getUint32(at);
      const head = short === 1 ? 16 : 8;
      const length = short === 1 ? Number(view(outer).getBigUint64(at + 8)) : short || outer.length - at;
      if (length < head || at + length > outer.length) break;
      if (String.fromCharCode(...outer.subarray(at + 4, at + 8)) === name)
        return outer.subarray(at + head, at + length);
      at += length;
    }
    throw new Error(`an MP4 file without ${path.join('/')}`);
  }, bytes);
}
