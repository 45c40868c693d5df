// Builds ONNX models: nodes, initializers (inline or in other files), inputs and outputs, as protobuf bytes.

import { concat } from '@deepearth/core/concat';
import { bytesOf, elementBytes, elementCount, type DType, type Tensor } from '@deepearth/core/tensor';

// Field numbers and enumerations are those of onnx.proto (IR version 10).

/** A fixed size, or the name of a size that is known when the model runs. */
export type Dimension = number | string;

/**
 * A whole number is an `INT` attribute and a list of them `INTS`; floats say so, since 1 and 1.0 are one value here.
 */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: Tensor };
/** Attributes of a node by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Where the values of an initializer lie: `location` is relative to the model file (or the name of a mounted file), any
 * offset works.
 */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** How a node is added. */
export interface NodeOptions {
  /** How many outputs; 1 by default. */
  readonly outputs?: number;
  /** '' is ONNX itself; 'com.microsoft' holds ONNX Runtime's fused operators. */
  readonly domain?: string;
  /** For profiles and error messages; also the stem of its outputs' names. */
  readonly name?: string;
  /** The name of its only output, for outputs of the graph; made from `name` otherwise. */
  readonly as?: string;
}

/** An ONNX model in the making. Values are called by the names that its methods return. */
export interface GraphBuilder {
  /** Declares an input and returns its name. */
  input(name: string, dtype: DType, shape: readonly Dimension[]): string;
  /** Declares a value made by a node as an output. */
  output(name: string, dtype: DType, shape: readonly Dimension[]): void;
  /** Adds a constant whose values stand in the model itself. */
  constant(name: string, values: Tensor): string;
  /**
   * Adds a constant whose values stand in another file. Throws a `RangeError` when `length` is not what shape and type
   * need.
   */
  external(name: string, dtype: DType, shape: readonly number[], data: ExternalData): string;
  /** Adds a node with one output and returns that output's name; an empty input name leaves an optional input out. */
  op(type: string, inputs: readonly string[], attributes?: Attributes, options?: Omit<NodeOptions, 'outputs'>): string;
  /** Adds a node with several outputs and returns their names. */
  ops(type: string, inputs: readonly string[], attributes: Attributes, options: NodeOptions): string[];
  /** The model file. Throws when a node reads a value that nothing makes, or an output is never made. */
  encode(): Uint8Array;
}

/** What a model says of itself. */
export interface ModelOptions {
  readonly name: string;
  /**
   * Operator set versions by domain; `{ '': 20 }` by default. A domain that a node uses and that is not listed has
   * version 1.
   */
  readonly opsets?: Readonly<Record<string, number>>;
  /** Free text, for readers of the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const onnxTypes: Partial<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8_e4m3fn: 17,
  float8_e5m2: 19,
};

const irVersion = 10;
/** Protobuf readers refuse messages of 2 GiB; larger values have to be external. */
const largestModel = 2 ** 31 - 1;

type Bytes = Uint8Array<ArrayBufferLike>;
/** Parts of a message with their length, so that large values are copied once, at the end. */
interface Message {
  readonly parts: readonly Bytes[];
  readonly length: number;
}

const text = new TextEncoder();
const message = (...fields: readonly Message[]): Message => ({
  parts: fields.flatMap(({ parts }) => parts),
  length: fields.reduce((sum, { length }) => sum + length, 0),
});
const raw = (bytes: Bytes): Message => ({ parts: [bytes], length: bytes.byteLength });

function varint(value: number | bigint): Bytes {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const varintField = (field: number, value: number | bigint): Message =>
  message(raw(varint(field << 3)), raw(varint(value)));
const nested = (field: number, content: Message): Message =>
  message(raw(varint((field << 3) | 2)), raw(varint(content.length)), content);
const textField = (field: number, value: string): Message => nested(field, raw(text.encode(value)));
const floatBytes = (values: readonly number[]): Bytes => new Uint8Array(Float32Array.from(values).buffer);
const entry = (key: string, value: string): Message => message(textField(1, key), textField(2, value));

const typeNumber = (dtype: DType): number => onnxTypes[dtype]!;

const tensorHead = (dtype: DType, shape: readonly number[], name: string): Message =>
  message(...shape.map((size) => varintField(1, size)), varintField(2, typeNumber(dtype)), textField(8, name));

const inlineTensor = (name: string, t: Tensor): Message =>
  message(tensorHead(t.dtype, t.shape, name), nested(9, raw(bytesOf(t))));

const externalTensor = (
  name: string,
  dtype: DType,
  shape: readonly number[],
  { location, offset, length }: ExternalData,
): Message =>
  message(
    tensorHead(dtype, shape, name),
    ...Object.entries({ location, offset: String(offset), length: String(length) }).map(([key, value]) =>
      nested(13, entry(key, value)),
    ),
    varintField(14, 1),
  );

function attribute(name: string, value: Attribute): Message {
  const of = (type: number, ...content: Message[]): Message =>
    message(textField(1, name), ...content, varintField(20, type));
  if (typeof value === 'string') return of(3, textField(4, value));
  if (typeof value === 'number') return of(2, varintField(3, whole(name, value)));
  if ('float' in value) return of(1, message(raw(varint((2 << 3) | 5)), raw(floatBytes([value.float]))));
  if ('floats' in value) return of(6, nested(7, raw(floatBytes(value.floats))));
  if ('tensor' in value) return of(4, nested(5, inlineTensor('', value.tensor)));
  return of(7, ...value.map((item) => varintField(8, whole(name, item))));
}

function whole(name: string, value: number): number {
  if (!Number.isSafeInteger(value))
    throw new RangeError(`attribute ${name} is ${value}; a float attribute is written { float: ${value} }`);
  return value;
}

const valueInfo = (name: string, dtype: DType, shape: readonly Dimension[]): Message => {
  const sizes = shape.map((size) => nested(1, typeof size === 'number' ? varintField(1, size) : textField(2, size)));
  return message(
    textField(1, name),
    nested(2, nested(1, message(varintField(1, typeNumber(dtype)), nested(2, message(...sizes))))),
  );
};

function join({ parts, length }: Message): Uint8Array {
  if (length > largestModel)
    throw new RangeError(
      `the model has ${length} bytes, ONNX files end at ${largestModel}: keep large initializers external`,
    );
  return concat(parts);
}

/**
 * Starts a model. Nodes are added in the order in which they run:
 *
 *     const graph = onnxModel({ name: 'product' });
 *     const x = graph.input('x', 'float32', ['rows', 3]);
 *     graph.output(graph.op('MatMul', [x, graph.constant('w', weights)]), 'float32', ['rows', 2]);
 *     const bytes = graph.encode();
 */
export function onnxModel({ name, opsets = {}, metadata = {} }: ModelOptions): GraphBuilder {
  const versions: Record<string, number> = { '': 20, ...opsets };
  const made = new Set<string>(['']);
  const nodes: Message[] = [];
  const initializers: Message[] = [];
  const inputs: Message[] = [];
  const outputs: Message[] = [];

  const make = (value: string): string => {
    if (made.has(value)) throw new RangeError(`the value ${JSON.stringify(value)} is made twice`);
    made.add(value);
    return value;
  };
  const used = (value: string, by: string): string => {
    if (!made.has(value)) throw new RangeError(`${by} reads ${JSON.stringify(value)}, which nothing made`);
    return value;
  };

  const ops: GraphBuilder['ops'] = (
    type,
    from,
    attributes,
    { outputs: count = 1, domain = '', name: stem = `${type}_${nodes.length}`, as },
  ) => {
    versions[domain] ??= 1;
    const results = Array.from({ length: count }, (_, i) =>
      make(count === 1 ? (as ?? `${stem}:out`) : `${stem}:out${i}`),
    );
    nodes.push(
      message(
        ...from.map((value) => textField(1, used(value, stem))),
        ...results.map((value) => textField(2, value)),
        textField(3, stem),
        textField(4, type),
        ...Object.entries(attributes).map(([key, value]) => nested(5, attribute(key, value))),
        ...(domain ? [textField(7, domain)] : []),
      ),
    );
    return results;
  };

  return {
    input(value, dtype, shape) {
      inputs.push(valueInfo(make(value), dtype, shape));
      return value;
    },
    output(value, dtype, shape) {
      outputs.push(valueInfo(used(value, 'an output'), dtype, shape));
    },
    constant(value, values) {
      initializers.push(inlineTensor(make(value), values));
      return value;
    },
    external(value, dtype, shape, data) {
      const expected = elementCount(shape) * elementBytes(dtype);
      if (data.length !== expected)
        throw new RangeError(
          `${value}: ${dtype} [${shape.join(', ')}] takes ${expected} bytes, ${data.location} gives ${data.length}`,
        );
      initializers.push(externalTensor(make(value), dtype, shape, data));
      return value;
    },
    op: (type, from, attributes = {}, options = {}) => ops(type, from, attributes, options)[0]!,
    ops,
    encode() {
      const graph = message(
        ...nodes.map((node) => nested(1, node)),
        textField(2, name),
        ...initializers.map((item) => nested(5, item)),
        ...inputs.map((item) => nested(11, item)),
        ...outputs.map((item) => nested(12, item)),
      );
      return join(
        message(
          varintField(1, irVersion),
          textField(2, 'deepearth-streams'),
          nested(7, graph),
          ...Object.entries(versions).map(([domain, version]) =>
            nested(8, message(textField(1, domain), varintField(2, version))),
          ),
          ...Object.entries(metadata).map(([key, value]) => nested(14, entry(key, value))),
        ),
      );
    },
  };
}
