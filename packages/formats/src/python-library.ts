// What people save beside weights: settings, paths, dates. They become dicts and texts; no class is looked for.

import { global, refuse } from './pickle-context.ts';
import { isKind } from './python-values.ts';

type Args = readonly unknown[];

/** An object that is nothing but its attributes: a dict of them. */
class Attributes extends Map<unknown, unknown> {
  build(state: unknown): void {
    // With slots, the state is a pair of dicts.
    const parts = isKind(state, 'tuple') ? state.items : [state];
    for (const part of parts) {
      if (part === null) continue;
      if (!(part instanceof Map)) refuse('it holds an object whose attributes are no dict');
      for (const [name, value] of part as Map<unknown, unknown>) this.set(name, value);
    }
  }
}

/** No path of a file system is longer. */
const longestPath = 4096;

function path(separator: string): (parts: Args) => string {
  return (parts) => {
    if (!parts.every((part) => typeof part === 'string')) return refuse('it holds a path of what are no texts');
    const [root = '', ...names] = parts as readonly string[];
    const text = [root.endsWith(separator) ? root.slice(0, -separator.length) : root, ...names].join(separator);
    if (text.length > longestPath) refuse(`it holds a path of ${text.length} characters`);
    return names.length === 0 ? root || '.' : text;
  };
}

const digits = (value: number, length = 2): string => String(value).padStart(length, '0');

function bytesOf(value: unknown, count: number, what: string): Uint8Array {
  return value instanceof Uint8Array && value.byteLength === count ? value : refuse(`it holds an invalid ${what}`);
}

/** Year (two bytes), month and day, as `datetime.__reduce__` has them. */
const day = ([high, low, month, date]: Uint8Array): string =>
  `${digits(high! * 256 + low!, 4)}-${digits(month! & 0x7f)}-${digits(date!)}`;

/** Hour, minute, second and three bytes of microseconds. */
function time([hour, minute, second, high, middle, low]: Uint8Array): string {
  const microseconds = high! * 65_536 + middle! * 256 + low!;
  // The high bit of the hour marks the second of two hours at the end of summer time.
  const clock = `${digits(hour! & 0x7f)}:${digits(minute!)}:${digits(second!)}`;
  return microseconds ? `${clock}.${digits(microseconds, 6)}` : clock;
}

/** Of a zone only an offset says where it is: "+01:00". */
const zone = (offset: unknown): string => (typeof offset === 'string' ? offset : '');

function offsetOf([seconds]: Args): string {
  if (typeof seconds !== 'number') return refuse('it holds an invalid timezone');
  const minutes = Math.round(Math.abs(seconds) / 60);
  return `${seconds < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`;
}

function timedelta(args: Args): number {
  const [days = 0, seconds = 0, microseconds = 0] = args;
  return [days, seconds, microseconds].every((part) => typeof part === 'number')
    ? (days as number) * 86_400 + (seconds as number) + (microseconds as number) / 1e6
    : refuse('it holds an invalid timedelta');
}

const modules = ['pathlib', 'pathlib._local'];

/** Names of Python's library, and of what is used with it everywhere, that stand beside tensors. */
export const libraryGlobals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  global('argparse', 'Namespace', () => new Attributes()),
  global('types', 'SimpleNamespace', () => new Attributes()),
  global('pytorch_lightning.utilities.parsing', 'AttributeDict', () => new Attributes()),
  global('lightning_fabric.utilities.data', 'AttributeDict', () => new Attributes()),
  global('lightning.fabric.utilities.data', 'AttributeDict', () => new Attributes()),
  global('collections', 'deque', ([items]) =>
    // They are added afterwards.
    items === undefined || (isKind(items, 'tuple') && items.items.length === 0)
      ? []
      : refuse('it holds a deque that is not made empty'),
  ),
  ...modules.flatMap((module) => [
    ...['Path', 'PosixPath', 'PurePath', 'PurePosixPath'].map((name) => global(module, name, path('/'))),
    ...['WindowsPath', 'PureWindowsPath'].map((name) => global(module, name, path('\\'))),
  ]),
  global('datetime', 'date', ([state]) => day(bytesOf(state, 4, 'date'))),
  global('datetime', 'time', ([state, offset]) => time(bytesOf(state, 6, 'time')) + zone(offset)),
  global('datetime', 'datetime', ([state, offset]) => {
    const bytes = bytesOf(state, 10, 'datetime');
    return `${day(bytes)}T${time(bytes.subarray(4))}${zone(offset)}`;
  }),
  global('datetime', 'timedelta', timedelta),
  global('datetime', 'timezone', offsetOf),
]);
