// What a file holds, as an indented list for people.

import { formatBytes, plural } from './format.ts';
import { plainStyle, type Style } from './style.ts';

type Holds = unknown;
type Fields = Readonly<Record<string, Holds>>;

const bytesOf: Readonly<Record<string, number>> = { float64: 8, int64: 8, uint64: 8, complex64: 8, complex128: 16, float32: 4, int32: 4, uint32: 4, float16: 2, bfloat16: 2, int16: 2, uint16: 2, int8: 1, uint8: 1, bool: 1 };

/** At most so many entries of one map or list are shown, the rest is counted. */
const shownEntries = 40;
const shownText = 100;

const isFields = (value: Holds): value is Fields => value !== null && typeof value === 'object' && !Array.isArray(value);
const isArray = (value: Fields): boolean => value.tensor === true || value.ndarray === true;

function arrayText(value: Fields, style: Style): string {
  const shape = value.shape as readonly number[];
  const dtype = String(value.dtype);
  const size = bytesOf[dtype.replace('torch.', '')];
  const bytes = size === undefined ? '' : `  ${style.dim(formatBytes(shape.reduce((product, axis) => product * axis, size)))}`;
  const details = [
    value.ndarray ? 'NumPy' : '',
    value.parameter ? 'parameter' : '',
    value.stride ? `a view, strides [${(value.stride as number[]).join(', ')}] from ${String(value.storage_offset)}` : '',
    value.sha256 ? `sha256 ${String(value.sha256)}` : '',
    value.first ? `first ${short(value.first)}` : '',
  ].filter(Boolean);
  return `${style.cyan(dtype)} [${shape.join(', ')}]${bytes}${details.length ? `  ${style.dim(details.join('; '))}` : ''}`;
}

const plainJson = (value: Holds): string => JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));

/** A value on one line, cut where it is long. */
function short(value: Holds): string {
  const text = plainJson(value).replaceAll(',', ', ');
  return text.length > shownText ? `${text.slice(0, shownText - 1)}…` : text;
}

const holdsArray = (value: Holds): boolean => (isFields(value) ? isArray(value) || Object.values(value).some(holdsArray) : Array.isArray(value) && value.some(holdsArray));

/** Lines of a value below `name`; values without tensors that fit on a line are on one. */
export function holdsLines(value: Holds, name = '', indent = '', style: Style = plainStyle): string[] {
  const lead = name ? `${indent}${style.bold(name)}  ` : indent;
  if (isFields(value) && isArray(value)) return [lead + arrayText(value, style)];
  if (!holdsArray(value) && (!isFields(value) || plainJson(value).length <= 72)) return [lead + short(value)];
  const entries: [string, Holds][] = Array.isArray(value) ? value.map((item, index) => [`[${index}]`, item]) : Object.entries(value as Fields);
  const inner = name ? `${indent}  ` : indent;
  const shown = entries.slice(0, shownEntries).flatMap(([key, item]) => holdsLines(item, key, inner, style));
  const rest = entries.length > shownEntries ? [style.dim(`${inner}… and ${plural(entries.length - shownEntries, 'more entry', 'more entries')}; --json shows all`)] : [];
  return [...(name ? [`${indent}${style.bold(name)}`] : []), ...shown, ...rest];
}

/** Tensors in a value, and their bytes as far as their types are known. */
export function countArrays(value: Holds): { tensors: number; bytes: number } {
  if (isFields(value) && isArray(value)) {
    const size = bytesOf[String(value.dtype).replace('torch.', '')] ?? 0;
    return { tensors: 1, bytes: (value.shape as number[]).reduce((product, axis) => product * axis, size) };
  }
  const inner = Array.isArray(value) ? value : isFields(value) ? Object.values(value) : [];
  return inner.map(countArrays).reduce((sum, { tensors, bytes }) => ({ tensors: sum.tensors + tensors, bytes: sum.bytes + bytes }), { tensors: 0, bytes: 0 });
}
