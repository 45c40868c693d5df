// Writes small uncompressed TIFFs for tests, with what a picture program would not write.

/** One picture of a file. */
export interface TiffPicture {
  readonly width: number;
  readonly height: number;
  /** `[height, width, bands]`. */
  readonly values: Uint8Array | Uint16Array | Uint32Array | Int16Array | Int32Array | Float32Array | Float64Array;
  readonly bands: number;
  /** 0 white is zero, 1 black is zero, 2 red, green, blue, 5 inks. */
  readonly photometric: number;
  /** Whether each band is stored by itself, as GDAL does with `INTERLEAVE=BAND`. */
  readonly separate?: boolean;
  /** What samples beyond the colours are; the tag is left out unless given. */
  readonly extraSamples?: readonly number[];
  /** 1 for a smaller copy, 4 for a mask. */
  readonly subfileType?: number;
  /** How it is to be turned: 1 is upright, 6 a quarter to the right. */
  readonly orientation?: number;
  /** GDAL's XML. */
  readonly metadata?: string;
  /** The value that GDAL calls no data. */
  readonly nodata?: string;
}

interface Entry {
  readonly tag: number;
  /** 2 text, 3 two bytes, 4 four bytes, 16 eight bytes. */
  readonly type: 2 | 3 | 4 | 16;
  readonly values: readonly number[];
}

/** A TIFF (or, with `big`, a BigTIFF) of these pictures. */
export function makeTiff(
  pictures: readonly TiffPicture[],
  { little = true, big = false }: { little?: boolean; big?: boolean } = {},
): Uint8Array {
  const out: number[] = [];
  const put = (value: number, bytes: number): void => {
    const parts = Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
    out.push(...(little ? parts : parts.reverse()));
  };
  const patch = (at: number, value: number, bytes: number): void => {
    const parts = Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
    (little ? parts : parts.reverse()).forEach((part, i) => (out[at + i] = part));
  };
  const word = big ? 8 : 4;
  out.push(...(little ? [0x49, 0x49] : [0x4d, 0x4d]));
  put(big ? 43 : 42, 2);
  if (big) {
    put(8, 2);
    put(0, 2);
  }
  let link = out.length;
  put(0, word);
  for (const {
    width,
    height,
    values,
    bands,
    photometric,
    separate = false,
    extraSamples,
    subfileType,
    orientation,
    metadata,
    nodata,
  } of pictures) {
    const data = out.length;
    const planes = separate ? bands : 1;
    for (let plane = 0; plane < planes; plane++)
      for (let i = plane; i < values.length; i += planes) out.push(...bytesOfValue(values, values[i]!, little));
    const length = (out.length - data) / planes;
    const starts = Array.from({ length: planes }, (_, plane) => data + plane * length);
    const entries: Entry[] = [
      ...(subfileType === undefined ? [] : [{ tag: 254, type: 4, values: [subfileType] } as const]),
      { tag: 256, type: 4, values: [width] },
      { tag: 257, type: 4, values: [height] },
      { tag: 258, type: 3, values: Array(bands).fill(values.BYTES_PER_ELEMENT * 8) },
      { tag: 259, type: 3, values: [1] },
      { tag: 262, type: 3, values: [photometric] },
      { tag: 273, type: big ? 16 : 4, values: starts },
      ...(orientation === undefined ? [] : [{ tag: 274, type: 3, values: [orientation] } as const]),
      { tag: 277, type: 3, values: [bands] },
      { tag: 278, type: 4, values: [height] },
      { tag: 279, type: big ? 16 : 4, values: Array<number>(planes).fill(length) },
      { tag: 284, type: 3, values: [separate ? 2 : 1] },
      ...(extraSamples ? [{ tag: 338, type: 3, values: extraSamples } as const] : []),
      { tag: 339, type: 3, values: Array(bands).fill(sampleFormat(values)) },
      ...(metadata ? [{ tag: 42112, type: 2, values: textOf(metadata) } as const] : []),
      ...(nodata ? [{ tag: 42113, type: 2, values: textOf(nodata) } as const] : []),
    ];
    const bytesOf = { 2: 1, 3: 2, 4: 4, 16: 8 } as const;
    const places = entries.map(({ type, values: list }) => {
      if (list.length * bytesOf[type] <= word) return undefined;
      const at = out.length;
      for (const value of list) put(value, bytesOf[type]);
      return at;
    });
    patch(link, out.length, word);
    put(entries.length, big ? 8 : 2);
    entries.forEach(({ tag, type, values: list }, i) => {
      put(tag, 2);
      put(type, 2);
      put(list.length, word);
      const at = out.length;
      if (places[i] === undefined) for (const value of list) put(value, bytesOf[type]);
      else put(places[i], word);
      while (out.length < at + word) out.push(0);
    });
    link = out.length;
    put(0, word);
  }
  return Uint8Array.from(out);
}

const textOf = (text: string): number[] => [...new TextEncoder().encode(text), 0];

/** 1 unsigned, 2 signed, 3 floating-point. */
const sampleFormat = (values: TiffPicture['values']): number =>
  values instanceof Float32Array || values instanceof Float64Array
    ? 3
    : values instanceof Int16Array || values instanceof Int32Array
      ? 2
      : 1;

function bytesOfValue(values: TiffPicture['values'], value: number, little: boolean): number[] {
  const view = new DataView(new ArrayBuffer(values.BYTES_PER_ELEMENT));
  if (values instanceof Float32Array) view.setFloat32(0, value, little);
  else if (values instanceof Float64Array) view.setFloat64(0, value, little);
  else if (values instanceof Int32Array) view.setInt32(0, value, little);
  else if (values instanceof Int16Array) view.setInt16(0, value, little);
  else if (values instanceof Uint32Array) view.setUint32(0, value, little);
  else if (values instanceof Uint16Array) view.setUint16(0, value, little);
  else view.setUint8(0, value);
  return [...new Uint8Array(view.buffer)];
}
