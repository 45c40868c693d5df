// Makes text from outside fit for a message or a terminal: short, and without what a terminal takes for a command.

/** Escapes control and formatting characters: a name must not move a cursor, ring a bell or turn text round. */
export const printable = (text: string): string =>
  text.replace(/\p{Cc}|\p{Cf}/gu, (c) => `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`);

/** Escapes what ends a line or moves a cursor, so that a name cannot pass for a line of its own. */
export const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (c) => `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`);

/** A value as JSON for a message, cut after `most` characters; "nothing" for `undefined`. */
export function show(value: unknown, most = 100): string {
  const json =
    JSON.stringify(typeof value === 'string' && value.length > most ? value.slice(0, most) : value) ?? 'nothing';
  const cut = (typeof value === 'string' && value.length > most) || json.length > most + 20;
  return printable(json.slice(0, most + 20)) + (cut ? '…' : '');
}

/** A text as it is, cut after `most` characters. */
export const shortened = (text: string, most = 200): string => (text.length > most ? `${text.slice(0, most)}…` : text);

/** The first few of a list, and how many more there are. */
export const some = (names: readonly string[], most = 20): string =>
  `${names
    .slice(0, most)
    .map((name) => oneLine(shortened(name, 60)))
    .join(', ')}${names.length > most ? ` and ${names.length - most} more` : ''}`;
