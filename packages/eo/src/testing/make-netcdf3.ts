// Writes small NetCDF-3 files for tests, of all three formats.

/** A variable to write. */
export interface MadeVariable {
  readonly dimensions: readonly string[];
  readonly type: 'char' | 'int16' | 'int32' | 'float32' | 'float64';
  readonly attributes?: { readonly [name: string]: string | number };
  readonly value: (...position: number[]) => number;
}

/** A file to write. */
export interface MadeNetcdf {
  readonly version: 1 | 2 | 5;
  /** Sizes by name; the unlimited one, where there is one, has `records`. */
  readonly dimensions: { readonly [name: string]: number };
  readonly unlimited?: string;
  readonly variables: { readonly [name: string]: MadeVariable };
}

const kinds = { char: [2, 1], int16: [3, 2], int32: [4, 4], float32: [5, 4], float64: [6, 8] } as const;
const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;

/** The bytes of a file. */
export function netcdf3({ version, dimensions, unlimited, variables }: MadeNetcdf): Uint8Array {
  const names = Object.keys(dimensions);
  const wide = version === 5;
  const bytesOfRecord = ({ dimensions: axes, type }: MadeVariable): number =>
    axes.filter((axis) => axis !== unlimited).reduce<number>((n, axis) => n * dimensions[axis]!, kinds[type][1]);
  const isRecord = ({ dimensions: axes }: MadeVariable): boolean => unlimited !== undefined && axes[0] === unlimited;
  const recorded = Object.values(variables).filter(isRecord);
  const recordBytes =
    recorded.length === 1
      ? bytesOfRecord(recorded[0]!)
      : recorded.reduce((sum, each) => sum + padded(bytesOfRecord(each)), 0);

  const header = (begins: ReadonlyMap<string, number>): Buffer => {
    const parts: Buffer[] = [Buffer.from([0x43, 0x44, 0x46, version])];
    const u32 = (n: number): void => {
      const b = Buffer.alloc(4);
      b.writeUInt32BE(n);
      parts.push(b);
    };
    const u64 = (n: number): void => {
      const b = Buffer.alloc(8);
      b.writeBigUInt64BE(BigInt(n));
      parts.push(b);
    };
    const number = wide ? u64 : u32;
    const bytes = (b: Buffer): void => void parts.push(b, Buffer.alloc(padded(b.length) - b.length));
    const text = (value: string): void => {
      number(Buffer.byteLength(value));
      bytes(Buffer.from(value));
    };
    const list = (tag: number, length: number): void => {
      u32(length ? tag : 0);
      number(length);
    };
    number(unlimited === undefined ? 0 : dimensions[unlimited]!);
    list(10, names.length);
    for (const name of names) {
      text(name);
      number(name === unlimited ? 0 : dimensions[name]!);
    }
    list(12, 0);
    list(11, Object.keys(variables).length);
    for (const [name, variable] of Object.entries(variables)) {
      text(name);
      number(variable.dimensions.length);
      for (const axis of variable.dimensions) number(names.indexOf(axis));
      const attributes = Object.entries(variable.attributes ?? {});
      list(12, attributes.length);
      for (const [key, value] of attributes) {
        text(key);
        u32(typeof value === 'string' ? 2 : 6);
        if (typeof value === 'string') text(value);
        else {
          number(1);
          const b = Buffer.alloc(8);
          b.writeDoubleBE(value);
          bytes(b);
        }
      }
      u32(kinds[variable.type][0]);
      number(padded(bytesOfRecord(variable)));
      (version === 1 ? u32 : u64)(begins.get(name) ?? 0);
    }
    return Buffer.concat(parts);
  };

  let at = header(new Map()).length;
  const begins = new Map<string, number>();
  for (const [name, variable] of Object.entries(variables))
    if (!isRecord(variable)) {
      begins.set(name, at);
      at += padded(bytesOfRecord(variable));
    }
  for (const [name, variable] of Object.entries(variables))
    if (isRecord(variable)) {
      begins.set(name, at);
      at += recorded.length === 1 ? bytesOfRecord(variable) : padded(bytesOfRecord(variable));
    }
  const records = unlimited === undefined ? 0 : dimensions[unlimited]!;
  const file = Buffer.alloc(recorded.length ? at + (records - 1) * recordBytes : at);
  header(begins).copy(file);
  for (const [name, variable] of Object.entries(variables)) {
    const { type, dimensions: axes, value } = variable;
    const shape = axes.map((axis) => dimensions[axis]!);
    const size = kinds[type][1];
    const total = shape.reduce((n, each) => n * each, 1);
    const inner = isRecord(variable) ? bytesOfRecord(variable) / size : total;
    for (let i = 0; i < total; i++) {
      let rest = i;
      const position = new Array<number>(shape.length);
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        position[axis] = rest % shape[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      const where =
        begins.get(name)! + Math.floor(i / inner) * (isRecord(variable) ? recordBytes : 0) + (i % inner) * size;
      const found = value(...position);
      if (type === 'char') file.writeUInt8(found, where);
      else if (type === 'int16') file.writeInt16BE(found, where);
      else if (type === 'int32') file.writeInt32BE(found, where);
      else if (type === 'float32') file.writeFloatBE(found, where);
      else file.writeDoubleBE(found, where);
    }
  }
  return file;
}
