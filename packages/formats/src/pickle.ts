// Parses pickles of protocols 2 to 5 into values, without running anything: names are looked up in a table, never
// imported.

import { canonicalKeys, type KeyTable } from './pickle-keys.ts';
import { isGlobal, PickleRefusal, refuse, type PickleContext } from './pickle-context.ts';
import { printable } from './printable.ts';
import { float, isKind, type PyTuple, type PyValue } from './python-values.ts';

/** Far above what checkpoints have, far below what hurts: dicts are the costly kind. */
const mostOperations = 50_000_000;
const mostContainers = 4_000_000;
const mostDicts = 1_000_000;
/**
 * What calls may copy out of values that are there already: bytes out of text, sets out of lists. A reference takes two
 * bytes.
 */
const copiedPerByte = 16;
const alwaysCopied = 1 << 24;
/** A handle of a tensor in memory, about; in a pickle it takes some hundred bytes where nothing is contrived. */
const tensorCost = 768;
/** An int of 8,192 bits. Python's own limit for decimal text is 4,300 digits. */
const mostIntegerBytes = 1024;

interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly context: PickleContext;
  readonly keys: KeyTable;
  readonly stack: unknown[];
  /** Heights of the stack at each MARK. */
  readonly marks: number[];
  readonly memo: Map<number, unknown>;
  at: number;
  containers: number;
  dicts: number;
  copied: number;
}

/**
 * Parses the pickle that starts at `start`. Values that came twice are the same object. Throws a `PickleRefusal`.
 * The value may be deep, or refer to itself: see `checkGraph`.
 */
export function parsePickle(
  bytes: Uint8Array,
  context: PickleContext,
  start = 0,
): { readonly value: unknown; readonly end: number } {
  const m: Machine = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    context,
    keys: canonicalKeys(bytes.byteLength),
    stack: [],
    marks: [],
    memo: new Map(),
    at: start,
    containers: 0,
    dicts: 0,
    copied: 0,
  };
  for (let operations = 0; ; operations++) {
    if (operations > mostOperations) refuse(`its pickle has more than ${mostOperations} operations`);
    const place = m.at;
    const code = u1(m);
    if (code === 0x2e) {
      const value = pop(m);
      if (m.stack.length || m.marks.length) refuse(`its pickle ends at byte ${place} with values left over`);
      return { value, end: m.at };
    }
    const operation = opcodes[code];
    if (!operation)
      return refuse(`its pickle has the unknown opcode 0x${code.toString(16).padStart(2, '0')} at byte ${place}`);
    operation(m);
  }
}

function take(m: Machine, length: number): Uint8Array {
  if (length > m.bytes.byteLength - m.at)
    throw new PickleRefusal(
      `its pickle is cut short: ${length} bytes are announced at byte ${m.at}, ${m.bytes.byteLength - m.at} are there`,
      { ended: true },
    );
  m.at += length;
  return m.bytes.subarray(m.at - length, m.at);
}

const number =
  (length: number, read: (view: DataView, at: number) => number) =>
  (m: Machine): number => {
    take(m, length);
    return read(m.view, m.at - length);
  };
const u1 = (m: Machine): number => {
  if (m.at >= m.bytes.byteLength) throw new PickleRefusal('its pickle has no STOP: it is cut short', { ended: true });
  return m.bytes[m.at++]!;
};
const u2 = number(2, (view, at) => view.getUint16(at, true));
const u4 = number(4, (view, at) => view.getUint32(at, true));
const i4 = number(4, (view, at) => view.getInt32(at, true));
const u8 = number(8, (view, at) => Number(view.getBigUint64(at, true)));
const f8 = number(8, (view, at) => view.getFloat64(at, false));

function pop(m: Machine): unknown {
  if (m.stack.length <= (m.marks.at(-1) ?? 0))
    refuse(`its pickle takes a value at byte ${m.at - 1} where there is none`);
  return m.stack.pop();
}

function top(m: Machine): unknown {
  if (m.stack.length <= (m.marks.at(-1) ?? 0))
    refuse(`its pickle takes a value at byte ${m.at - 1} where there is none`);
  return m.stack.at(-1);
}

/** Everything since the last MARK. */
function popMark(m: Machine): unknown[] {
  const mark = m.marks.pop();
  if (mark === undefined) return refuse(`its pickle goes back at byte ${m.at - 1} to a MARK that is not there`);
  return m.stack.splice(mark);
}

function container<T>(m: Machine, value: T): T {
  if (++m.containers > mostContainers)
    refuse(`its pickle makes more than ${mostContainers} lists, tuples, sets and dicts`);
  if ((value instanceof Map || value instanceof Set) && ++m.dicts > mostDicts)
    refuse(`its pickle makes more than ${mostDicts} dicts and sets`);
  return value;
}

/** Counts what a call or BUILD made: values that are referred to again and again must not be copied again and again. */
function charge(m: Machine, made: unknown): void {
  if (made instanceof Set || made instanceof Map) m.copied += 32 * made.size;
  else if (isKind(made, 'tensor')) m.copied += tensorCost;
  else if (typeof made === 'object' && made !== null)
    m.copied +=
      64 +
      ('byteLength' in made
        ? Number(made.byteLength)
        : 'bytes' in made && 'kind' in made && made.kind === 'ndarray'
          ? Number(made.bytes)
          : 0);
  if (m.copied > alwaysCopied + copiedPerByte * m.bytes.byteLength)
    refuse('its pickle copies the same values over and over');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
function text(m: Machine, length: number): string {
  const bytes = take(m, length);
  try {
    return utf8.decode(bytes);
  } catch {
    return refuse(`its pickle has text at byte ${m.at - length} that is no valid UTF-8`);
  }
}

/** A `str` of Python 2: text where it is ASCII, bytes where it is not. */
function oldString(m: Machine, length: number): string | Uint8Array {
  const bytes = take(m, length);
  return bytes.every((byte) => byte < 128) ? utf8.decode(bytes) : bytes;
}

function line(m: Machine): string {
  const end = m.bytes.indexOf(0x0a, m.at);
  if (end < 0 || end - m.at > 1000)
    throw new PickleRefusal(`its pickle has a name at byte ${m.at} that does not end`, { ended: end < 0 });
  const value = text(m, end - m.at);
  m.at++;
  return value;
}

/** Two's complement, little-endian. */
function integer(m: Machine, length: number): number | bigint {
  if (length < 0 || length > mostIntegerBytes) refuse(`its pickle has an int of ${length} bytes at byte ${m.at}`);
  const bytes = take(m, length);
  if (length === 0) return 0;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .reverse()
    .join('');
  const value = BigInt.asIntN(length * 8, BigInt(`0x${hex}`));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** A float that says so, as the number it is: what is called, and what is a key, makes no difference. */
const numberOf = (value: unknown): unknown => (isKind(value, 'float') ? value.value : value);

const tupleOf = (m: Machine, items: unknown[]): PyTuple => container(m, { kind: 'tuple', items: items as PyValue[] });

function tupleOfLast(m: Machine, count: number): PyTuple {
  if (m.stack.length - count < (m.marks.at(-1) ?? 0))
    refuse(`its pickle takes ${count} values at byte ${m.at - 1} where they are not`);
  return tupleOf(m, m.stack.splice(m.stack.length - count));
}

function append(m: Machine, items: readonly unknown[]): void {
  const list = top(m);
  if (!Array.isArray(list)) return refuse(`its pickle appends at byte ${m.at - 1} to what is no list`);
  for (const item of items) list.push(item);
}

function setItems(m: Machine, items: readonly unknown[]): void {
  const dict = top(m);
  if (!(dict instanceof Map)) return refuse(`its pickle sets items at byte ${m.at - 1} of what is no dict`);
  if (items.length % 2) refuse(`its pickle sets a key without a value at byte ${m.at - 1}`);
  for (let i = 0; i < items.length; i += 2) dict.set(m.keys.key(numberOf(items[i]), dict), items[i + 1]);
}

function addItems(m: Machine, set: unknown, items: readonly unknown[]): void {
  if (!(set instanceof Set)) return refuse(`its pickle adds at byte ${m.at - 1} to what is no set`);
  for (const item of items) set.add(m.keys.key(numberOf(item), set));
}

function remember(m: Machine, index: number): void {
  m.memo.set(index, top(m));
}

function recall(m: Machine, index: number): void {
  if (!m.memo.has(index)) refuse(`its pickle refers at byte ${m.at - 1} to memo ${index}, which was never set`);
  m.stack.push(m.memo.get(index));
}

function reduce(m: Machine): void {
  const args = pop(m) as PyTuple;
  const called = pop(m);
  if (typeof args !== 'object' || args === null || args.kind !== 'tuple')
    return refuse(`its pickle calls at byte ${m.at - 1} with arguments that are no tuple`);
  if (!isGlobal(called)) return refuse(`its pickle calls at byte ${m.at - 1} what is no function`);
  if (!called.call) return refuse(`its pickle calls ${called.name}, which is not to be called`);
  let made = called.call(args.items.map(numberOf));
  if (made instanceof Set) {
    // The set is made of a list: its items have to be such as a set can hold.
    const items = [...made];
    made = new Set();
    addItems(m, made, items);
  }
  charge(m, made);
  m.stack.push(typeof made === 'object' && made !== null ? container(m, made) : made);
}

function build(m: Machine): void {
  const state = pop(m);
  const target = top(m);
  if (isGlobal(target)) refuse(`its pickle sets the state of ${target.name} itself`);
  // An OrderedDict's attributes (`_metadata` of a state dict) are not tensors: left out.
  if (target instanceof Map && !('build' in target)) return;
  if (typeof target !== 'object' || target === null || !('build' in target) || typeof target.build !== 'function')
    return refuse(`its pickle sets at byte ${m.at - 1} the state of a value that has none`);
  (target as { build: (state: unknown) => void }).build(state);
  charge(m, target);
}

function stackGlobal(m: Machine): void {
  const name = pop(m);
  const module = pop(m);
  if (typeof name !== 'string' || typeof module !== 'string')
    return refuse(`its pickle has a name at byte ${m.at - 1} that is no text`);
  m.stack.push(m.context.find(module, name));
}

const old =
  (name: string) =>
  (m: Machine): never =>
    refuse(`its pickle has the opcode ${name} of protocol 0 at byte ${m.at - 1}, which is not read`);
const unread =
  (name: string) =>
  (m: Machine): never =>
    refuse(`its pickle has the opcode ${name} at byte ${m.at - 1}, which is not read`);
const push =
  (read: (m: Machine) => unknown) =>
  (m: Machine): void =>
    void m.stack.push(read(m));

/** By opcode; see pickletools in Python's library for what each means. */
const opcodes: Readonly<Record<number, (m: Machine) => void>> = {
  0x28: (m) => void m.marks.push(m.stack.length), // MARK
  0x29: push((m) => tupleOf(m, [])), // EMPTY_TUPLE
  0x30: (m) => void (m.stack.length > (m.marks.at(-1) ?? 0) ? m.stack.pop() : popMark(m)), // POP
  0x31: (m) => void popMark(m), // POP_MARK
  0x32: push(top), // DUP
  0x42: push((m) => take(m, u4(m))), // BINBYTES
  0x43: push((m) => take(m, u1(m))), // SHORT_BINBYTES
  0x46: old('FLOAT'),
  0x47: push((m) => {
    const value = f8(m);
    return m.context.keepFloats && Number.isInteger(value) ? float(value) : value;
  }), // BINFLOAT
  0x49: old('INT'),
  0x4a: push(i4), // BININT
  0x4b: push(u1), // BININT1
  0x4c: old('LONG'),
  0x4d: push(u2), // BININT2
  0x4e: push(() => null), // NONE
  0x50: old('PERSID'),
  0x51: push((m) => m.context.persistent(pop(m))), // BINPERSID
  0x52: reduce, // REDUCE
  0x53: old('STRING'),
  0x54: push((m) => oldString(m, u4(m))), // BINSTRING
  0x55: push((m) => oldString(m, u1(m))), // SHORT_BINSTRING
  0x56: old('UNICODE'),
  0x58: push((m) => text(m, u4(m))), // BINUNICODE
  0x5d: push((m) => container(m, [])), // EMPTY_LIST
  0x61: (m) => append(m, [pop(m)]), // APPEND
  0x62: build, // BUILD
  0x63: push((m) => {
    const module = line(m);
    return m.context.find(module, line(m));
  }), // GLOBAL
  0x64: unread('DICT'),
  0x65: (m) => append(m, popMark(m)), // APPENDS
  0x67: old('GET'),
  0x68: (m) => recall(m, u1(m)), // BINGET
  0x69: (m) =>
    refuse(
      `its pickle asks for ${printable(`${line(m)}.${line(m)}`)} through the opcode INST, which is not read; nothing was run`,
    ),
  0x6a: (m) => recall(m, u4(m)), // LONG_BINGET
  0x6c: unread('LIST'),
  0x6f: unread('OBJ'),
  0x70: old('PUT'),
  0x71: (m) => remember(m, u1(m)), // BINPUT
  0x72: (m) => remember(m, u4(m)), // LONG_BINPUT
  0x73: (m) => {
    const value = pop(m);
    setItems(m, [pop(m), value]);
  }, // SETITEM
  0x74: push((m) => tupleOf(m, popMark(m))), // TUPLE
  0x75: (m) => setItems(m, popMark(m)), // SETITEMS
  0x7d: push((m) => container(m, new Map())), // EMPTY_DICT
  0x80: (m) => {
    const protocol = u1(m);
    if (protocol < 2 || protocol > 5) refuse(`its pickle is of protocol ${protocol}; 2 to 5 are read`);
  }, // PROTO
  0x81: reduce, // NEWOBJ: for the classes of the table, the same
  0x82: unread('EXT1'),
  0x83: unread('EXT2'),
  0x84: unread('EXT4'),
  0x85: push((m) => tupleOfLast(m, 1)), // TUPLE1
  0x86: push((m) => tupleOfLast(m, 2)), // TUPLE2
  0x87: push((m) => tupleOfLast(m, 3)), // TUPLE3
  0x88: push(() => true), // NEWTRUE
  0x89: push(() => false), // NEWFALSE
  0x8a: push((m) => integer(m, u1(m))), // LONG1
  0x8b: push((m) => integer(m, i4(m))), // LONG4
  0x8c: push((m) => text(m, u1(m))), // SHORT_BINUNICODE
  0x8d: push((m) => text(m, u8(m))), // BINUNICODE8
  0x8e: push((m) => take(m, u8(m))), // BINBYTES8
  0x8f: push((m) => container(m, new Set())), // EMPTY_SET
  0x90: (m) => {
    const items = popMark(m);
    addItems(m, top(m), items);
  }, // ADDITEMS
  0x91: push((m) => {
    const items = popMark(m);
    const set = container(m, new Set());
    addItems(m, set, items);
    return set;
  }), // FROZENSET
  0x92: unread('NEWOBJ_EX'),
  0x93: stackGlobal, // STACK_GLOBAL
  0x94: (m) => remember(m, m.memo.size), // MEMOIZE
  0x95: (m) => {
    const length = u8(m);
    if (length > m.bytes.byteLength - m.at)
      throw new PickleRefusal(`its pickle is cut short: a frame of ${length} bytes is announced at byte ${m.at}`, {
        ended: true,
      });
  }, // FRAME
  0x96: push((m) => take(m, u8(m))), // BYTEARRAY8
  0x97: unread('NEXT_BUFFER'),
  0x98: unread('READONLY_BUFFER'),
};
