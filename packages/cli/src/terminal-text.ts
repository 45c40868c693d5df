// What reaches a terminal: colours of ours, and no other command that a text holds. Names of files, values of a
// pipeline and messages come from anywhere, and a terminal obeys what is in them.

/**
 * Stands in a colour code of ours until it is written: another one in every process, so that no text from outside has
 * one.
 */
const own = crypto.randomUUID().slice(0, 8);

/** A code that changes how the text behind it looks: 31 is red, 0 ends all. */
export const colorCode = (code: number): string => `\u001b${own}[${code}m`;

/** Codes of ours in a text, and those of anybody. */
export const codesIn = (): RegExp => new RegExp(`\\u001b(?:${own})?\\[[0-9;?]*[A-Za-z]`, 'gu');

// Joiners make one letter or picture of several and move nothing. Line ends and tabs are ours as often as not.
const commands = new RegExp(`\\u001b${own}\\[\\d+m|(?![\\n\\t\\u200c\\u200d])[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]`, 'gu');

/** The text with everything that a terminal would obey written out as in JSON, but for our own codes. */
export const withoutCommands = (text: string): string =>
  text.replace(commands, (found) => (found.length > 2 ? found : escaped(found)));

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');

/** Our own codes as a terminal knows them. */
export const withColors = (text: string): string => text.replaceAll(`\u001b${own}[`, '\u001b[');

/** A text as it is written to a terminal, or to a pipe that may lead to one. */
export const terminalText = (text: string): string => withColors(withoutCommands(text));
