import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fit, textWidth } from './format.ts';
import { liveLines } from './live-lines.ts';
import { makeStyle } from './style.ts';
import { terminalText } from './terminal-text.ts';

const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom(
        '\u001b[31m',
        '\u001b[2J',
        '\u001b]0;title\u0007',
        '\u009b2J',
        '\u202e',
        '\r',
        '\u0008',
        '\u007f',
      ),
      fc.constantFrom('a', 'ü', '山', '\n', '\u{e0041}'),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** What a terminal obeys, other than a line end or a tab. */
const obeyed = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('text for a terminal', () => {
  test('holds no command that came with it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(terminalText(text)).not.toMatch(obeyed);
      }),
    );
  });

  test('has our own colours and nothing else around a hostile text', () => {
    const { red } = makeStyle(true);
    fc.assert(
      fc.property(
        hostile.filter((text) => text !== ''),
        (text) => {
          const written = terminalText(red(text));
          expect(written.startsWith('\u001b[31m') && written.endsWith('\u001b[39m')).toBe(true);
          expect(written.slice(5, -5)).not.toMatch(obeyed);
        },
      ),
    );
  });

  test('inside JSON stays the same JSON', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(JSON.parse(terminalText(JSON.stringify({ text })))).toEqual({ text });
      }),
    );
  });

  test('leaves what is harmless as it is', () => {
    for (const text of ['frames/Zürich 山.png', '👩‍🚀\tok\nnext', 'می‌خواهم']) expect(terminalText(text)).toBe(text);
  });

  test('in a block of progress no line moves the cursor or is too wide', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        let written = '';
        const block = liveLines({ columns: 30, rows: 10, write: (text) => void (written += text) });
        block.draw([makeStyle(true).cyan(name.replaceAll('\n', ' '))]);
        block.above(name);
        const rest = written.replaceAll(/\u001b\[(?:\?2026[hl]|\?25[hl]|\d*[AKJ]|\d+m)|\r/gu, '');
        expect(rest).not.toMatch(obeyed);
      }),
    );
  });

  test('is cut to a width with our own codes in it', () => {
    const text = makeStyle(true).red('abcdefghij');
    expect(textWidth(text)).toBe(10);
    expect(terminalText(fit(text, 5))).toBe('\u001b[31mabcd…\u001b[0m');
  });
});
