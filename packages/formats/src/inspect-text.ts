// Renders what a file holds as text for people.

import type { Inspection } from './inspect.ts';
import type { Description } from './inspect-value.ts';
import { printable } from './printable.ts';

type Fields = Readonly<Record<string, Description>>;

/** Lines of a list or dict that are shown before it says how many more there are. */
const mostLines = 200;
const mostText = 100;

/** "4.0 GiB". */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let amount = bytes;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${amount.toFixed(1)} ${units[unit]!}`;
}

const quoted = (text: string): string =>
  text.length > mostText
    ? `"${printable(text.slice(0, mostText))}" … (${text.length} characters)`
    : `"${printable(text)}"`;

const complexText = ([real, imaginary]: readonly Description[]): string =>
  `${String(real)}${String(imaginary).startsWith('-') ? '' : '+'}${String(imaginary)}i`;

const isFields = (value: Description): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function tensorLine(t: Fields): string {
  const shape = (t['shape'] as number[]).join(' x ');
  const parts = [
    `${t['ndarray'] ? 'array' : t['parameter'] ? 'parameter' : 'tensor'} ${String(t['dtype'])} [${shape}]`,
  ];
  if (t['stride']) parts.push(`stride [${(t['stride'] as number[]).join(', ')}] offset ${String(t['storage_offset'])}`);
  if (t['first']) {
    const first = (t['first'] as Description[]).map((v) => (Array.isArray(v) ? complexText(v) : String(v)));
    const more = (t['shape'] as number[]).reduce((n, size) => n * size, 1) > first.length;
    parts.push(`= ${[...first, ...(more ? ['…'] : [])].join(', ')}`);
  }
  if (t['statistics']) parts.push(statisticsText(t['statistics'] as Fields));
  if (t['sha256']) parts.push(`sha256 ${String(t['sha256']).slice(0, 16)}…`);
  return parts.join('  ');
}

/** Four digits are enough to see what a tensor is like; whole numbers are shown whole. */
const rounded = (value: Description | undefined): string => {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return String(Math.abs(value) >= 1000 && Math.abs(value) < 1e9 ? Math.round(value) : Number(value.toPrecision(4)));
};

function statisticsText({ min, max, mean, std, nan, infinite }: Fields): string {
  return [
    ...(min === undefined
      ? []
      : [`${rounded(min)} to ${rounded(max)}`, `mean ${rounded(mean)}`, `std ${rounded(std)}`]),
    ...(nan ? [`${String(nan)} NaN`] : []),
    ...(infinite ? [`${String(infinite)} infinite`] : []),
  ].join(', ');
}

/** One line for what has no parts; `undefined` for what has. */
function short(value: Description): string | undefined {
  if (typeof value === 'string') return quoted(value);
  if (!isFields(value)) return Array.isArray(value) ? inline(value, '[', ']') : String(value);
  if (value['tensor'] === true || value['ndarray'] === true) return tensorLine(value);
  const [key, ...others] = Object.keys(value);
  if (key === undefined) return '{}';
  const inner = value[key]!;
  if (others.length === 0 && ['torch', 'float', 'int'].includes(key)) return String(inner);
  if (others.length === 0 && key === 'torch.Size') return `torch.Size [${(inner as number[]).join(', ')}]`;
  if (others.length === 0 && key === 'bytes_hex' && typeof inner === 'string')
    return `bytes ${inner.slice(0, 32)}${inner.length > 32 ? '…' : ''} (${inner.length / 2})`;
  if (others.length === 0 && key === 'complex' && Array.isArray(inner)) return complexText(inner);
  if (others.length === 0 && key === 'tuple' && Array.isArray(inner)) return inline(inner, '(', ')');
  if (others.length === 0 && key === 'set' && Array.isArray(inner)) return inline(inner, '{', '}');
  if (key === 'unread')
    return `${String(inner)}${value['shape'] ? ` [${(value['shape'] as number[]).join(' x ')}]` : ''}, which is not read`;
  if (key === 'numpy_scalar') return `${String(value['value'])} (${String(inner)})`;
  return undefined;
}

function inline(items: readonly Description[], open: string, close: string): string | undefined {
  const shown = items.slice(0, 8).map((item) => (isFields(item) ? undefined : short(item)));
  if (shown.includes(undefined)) return undefined;
  const text = `${open}${shown.join(', ')}${items.length > 8 ? `, … (${items.length})` : ''}${close}`;
  return text.length <= 140 ? text : undefined;
}

function entriesOf(value: Description): [string, Description][] {
  if (Array.isArray(value)) return value.map((item, i) => [String(i), item]);
  const fields = value as Fields;
  const inner = fields['entries'] ?? fields['tuple'] ?? fields['set'];
  if (Object.keys(fields).length !== 1 || !Array.isArray(inner)) return Object.entries(fields);
  return fields['entries']
    ? (inner as Description[][]).map(([key, item]) => [typeof key === 'string' ? key : (short(key!) ?? '…'), item!])
    : inner.map((item, i) => [String(i), item]);
}

function* lines(value: Description, lead: string): Generator<string> {
  const entries = entriesOf(value);
  const width = Math.min(60, Math.max(0, ...entries.slice(0, mostLines).map(([key]) => key.length)));
  for (const [key, item] of entries.slice(0, mostLines)) {
    const text = short(item);
    const name = printable(key);
    if (text !== undefined) yield `${lead}${name.padEnd(width)}  ${text}`;
    else {
      yield `${lead}${name}`;
      yield* lines(item, `${lead}  `);
    }
  }
  if (entries.length > mostLines) yield `${lead}… and ${entries.length - mostLines} more`;
}

/** What `inspectFile` found, one line per value; long lists are cut and say so. */
export function inspectionText({ file, format, size, metadata, holds }: Inspection): string {
  const out = [`${printable(file)}: ${format}, ${sizeText(size)}`];
  for (const [key, text] of Object.entries(metadata ?? {})) out.push(`  metadata ${printable(key)} = ${quoted(text)}`);
  const whole = short(holds);
  if (whole !== undefined) out.push(`  ${whole}`);
  else out.push(...lines(holds, '  '));
  return out.join('\n');
}
