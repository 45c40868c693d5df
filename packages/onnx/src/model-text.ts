// Numbers and tables for people.

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** "4.14 GB": powers of 1000, three digits. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${power ? (bytes / 1000 ** power).toPrecision(3) : bytes} ${units[power]}`;
}

/** "14.1 TFLOP". */
export function formatFlop(flop: number): string {
  return flop >= 1e12 ? `${(flop / 1e12).toPrecision(3)} TFLOP` : `${(flop / 1e9).toPrecision(3)} GFLOP`;
}

export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** Columns as wide as their widest cell, two spaces between, nothing at the end of a line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
