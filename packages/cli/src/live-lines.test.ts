import { describe, expect, it } from 'vitest';
import { liveLines } from './live-lines.ts';

/**
 * A terminal that understands what liveLines writes: cursor up, carriage return, erase to the end of the line and of
 * the screen.
 */
function screen(columns: number, rows: number) {
  const lines: string[] = [''];
  let [row, column] = [0, 0];
  return {
    columns,
    rows,
    text: () =>
      lines
        .map((line) => line.trimEnd())
        .join('\n')
        .trimEnd(),
    write(text: string) {
      for (const [part, up, erase] of text.matchAll(/\u001b\[(\d+)A|\u001b\[(K|J)|\u001b\[\?\d+[hl]|[^\u001b]/g)) {
        if (up) row = Math.max(0, row - Number(up));
        else if (erase === 'K') lines[row] = lines[row]!.slice(0, column);
        else if (erase === 'J') {
          lines.length = row + 1;
          lines[row] = lines[row]!.slice(0, column);
        } else if (part === '\r') column = 0;
        else if (part === '\n') {
          row += 1;
          column = 0;
          lines[row] ??= '';
        } else if (part.length === 1) {
          lines[row] = lines[row]!.padEnd(column).slice(0, column) + part + lines[row]!.slice(column + 1);
          column += 1;
        }
      }
    },
  };
}

describe('liveLines', () => {
  it('redraws in place, also when the block shrinks', () => {
    const terminal = screen(40, 10);
    const block = liveLines(terminal);
    block.draw(['one', 'two', 'three']);
    block.draw(['uno']);
    expect(terminal.text()).toBe('uno');
  });

  it('keeps what is written above the block', () => {
    const terminal = screen(40, 10);
    const block = liveLines(terminal);
    block.draw(['working']);
    block.above('a warning');
    block.draw(['done']);
    block.close();
    expect(terminal.text()).toBe('a warning\ndone');
  });

  it('cuts long lines and leaves out lines beyond the height, not the last', () => {
    const terminal = screen(12, 4);
    liveLines(terminal).draw(['a'.repeat(30), 'b', 'c', 'd', 'last']);
    expect(terminal.text()).toBe(`${'a'.repeat(10)}…\nb\nlast`);
  });

  it('moves back over rows that a narrower terminal has made of one', () => {
    const written: string[] = [];
    const terminal = { columns: 40, rows: 10, write: (text: string) => written.push(text) };
    const block = liveLines(terminal);
    block.draw(['x'.repeat(39), 'y']);
    terminal.columns = 20;
    block.draw(['z']);
    expect(written[1]).toContain('\u001b[3A');
  });

  it('gives the cursor back', () => {
    const written: string[] = [];
    const block = liveLines({ write: (text: string) => written.push(text) });
    block.draw(['x']);
    block.close();
    expect(written.join('')).toMatch(/\?25l[\s\S]*\?25h$/);
  });
});
