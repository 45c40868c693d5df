// The instants of frames as numbers.

/** Microseconds since 1970 of an instant as frames have it ("2024-02-22T10:15:00Z"); `undefined` for no such text. */
export function microsecondsOf(at: string): bigint | undefined {
  const [, seconds = '', fraction = '', zone = 'Z'] = /^(.+?:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/.exec(at) ?? [];
  const milliseconds = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}
