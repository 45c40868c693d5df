// Makes text out of a file fit for an error message or a terminal: short, and without what a terminal takes for a
// command.

/** Escapes control and formatting characters: a name must not move a cursor, ring a bell or turn text round. */
export const printable = (text: string): string =>
  text.replace(/\p{Cc}|\p{Cf}/gu, (c) => `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`);

/** A value as JSON for a message, cut after `most` characters; "nothing" for `undefined`. */
export function show(value: unknown, most = 100): string {
  const json =
    JSON.stringify(typeof value === 'string' && value.length > most ? value.slice(0, most) : value) ?? 'nothing';
  const cut = (typeof value === 'string' && value.length > most) || json.length > most + 20;
  return printable(json.slice(0, most + 20)) + (cut ? '…' : '');
}
