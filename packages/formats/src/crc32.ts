// CRC-32 as ZIP uses it: Node's own where there is one, tables elsewhere.

type Native = (data: Uint8Array, value?: number) => number;

// Asked for at run time, so that a bundle for a browser holds no import of Node's.
const native = (
  globalThis as { process?: { getBuiltinModule?: (name: string) => { crc32?: Native } | undefined } }
).process?.getBuiltinModule?.('node:zlib')?.crc32;

let tables: Uint32Array[] | undefined;

/** Eight tables, so that eight bytes are taken at once ("slicing by 8"). */
function slicingTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    return c;
  });
  const all = [first];
  for (let k = 1; k < 8; k++) all.push(all[k - 1]!.map((c) => first[c & 255]! ^ (c >>> 8)));
  return all;
}

/** The same as `crc32`, in JavaScript. */
export function portableCrc32(data: Uint8Array, value = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = (tables ??= slicingTables()) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let c = ~value;
  let at = 0;
  for (; at + 8 <= data.length; at += 8) {
    const low = view.getUint32(at, true) ^ c;
    const high = view.getUint32(at + 4, true);
    c =
      t7[low & 255]! ^
      t6[(low >>> 8) & 255]! ^
      t5[(low >>> 16) & 255]! ^
      t4[low >>> 24]! ^
      t3[high & 255]! ^
      t2[(high >>> 8) & 255]! ^
      t1[(high >>> 16) & 255]! ^
      t0[high >>> 24]!;
  }
  for (; at < data.length; at++) c = t0[(c ^ data[at]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** CRC-32 of `data`, going on from the CRC-32 `value` of what came before it. */
export function crc32(data: Uint8Array, value = 0): number {
  // zlib takes an empty array without memory behind it for "start anew" and returns 0.
  return data.byteLength === 0 ? value : (native ?? portableCrc32)(data, value);
}
