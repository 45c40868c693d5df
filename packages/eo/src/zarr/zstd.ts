// Decodes Zstandard: with Node's own decoder where it has one (22.15 and later), else with one in WebAssembly.

import * as zlib from 'node:zlib';
import type { Unzstd } from './blosc.ts';

type Native = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

const native = (zlib as { readonly zstdDecompressSync?: Native }).zstdDecompressSync;

let loading: Promise<Unzstd> | undefined;

/** The decoder; the same one every time. A `RangeError` of it says that the data are damaged. */
export const zstdDecoder = (): Promise<Unzstd> => (loading ??= load());

async function load(): Promise<Unzstd> {
  if (native)
    return (frame, size) => {
      try {
        return native(frame, { maxOutputLength: Math.max(1, size) });
      } catch (cause) {
        throw new RangeError('its Zstandard data are damaged', { cause });
      }
    };
  const { ZSTDDecoder } = await import('zstddec');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (frame, size) => {
    const declared = contentSize(frame);
    // The decoder would ask for as much memory as the header says.
    if (declared !== undefined && declared > size)
      throw new RangeError(`says that it inflates to ${declared} bytes, ${size} are expected`);
    if (size === 0) return new Uint8Array(0);
    const content = decoder.decode(frame, size);
    // What goes wrong in it comes back as an empty array.
    if (content.length === 0) throw new RangeError('its Zstandard data are damaged');
    return content;
  };
}

/** The size of the content that the header of a frame declares; `undefined` where it says none (RFC 8878, 3.1.1.1). */
export function contentSize(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 6 || view.getUint32(0, true) !== 0xfd2fb528)
    throw new RangeError('does not begin as Zstandard data do');
  const descriptor = frame[4]!;
  const single = Boolean(descriptor & 0x20);
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const code = descriptor >>> 6;
  const bytes = code === 0 ? (single ? 1 : 0) : 2 ** code;
  if (at + bytes > frame.length) throw new RangeError('its Zstandard header is cut short');
  if (bytes === 0) return undefined;
  if (bytes === 1) return frame[at]!;
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
