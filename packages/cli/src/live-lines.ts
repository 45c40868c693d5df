// A block of lines at the bottom of a terminal that is redrawn in place.

import { fit, textWidth } from './format.ts';
import { terminalText, withColors, withoutCommands } from './terminal-text.ts';

export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface LiveLines {
  /**
   * Replaces the block. Lines that are too wide are cut, lines beyond the terminal's height left out (the last line
   * stays).
   */
  draw(lines: readonly string[]): void;
  /** Writes text above the block, for good. */
  above(text: string): void;
  /** Draws once more what was drawn last and leaves it there; the cursor comes back. */
  close(): void;
}

const escape = '\u001b[';
// A terminal that knows "synchronized output" shows a frame when it is complete; others ignore it.
const begin = `${escape}?2026h`;
const end = `${escape}?2026l`;

export function liveLines(terminal: Terminal): LiveLines {
  let shown: readonly string[] = [];
  let lines: readonly string[] = [];
  let hidden = false;

  // After the terminal became narrower, a line that was drawn before takes more rows than one.
  const rowsOf = (drawn: readonly string[]): number =>
    drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / (terminal.columns || 80))), 0);
  const back = (): string => (shown.length ? `${escape}${rowsOf(shown)}A\r` : '\r');
  const cut = (): string[] => {
    const room = Math.max(2, (terminal.rows || 24) - 1);
    const kept = lines.length > room ? [...lines.slice(0, room - 1), lines.at(-1)!] : lines;
    return kept.map((line) => fit(withoutCommands(line), Math.max(10, (terminal.columns || 80) - 1)));
  };
  const paint = (before: string): void => {
    const next = cut();
    const hide = hidden ? '' : `${escape}?25l`;
    hidden = true;
    const body = next.map((line) => `${withColors(line)}${escape}K\n`).join('');
    terminal.write(`${begin}${hide}${back()}${before}${body}${escape}J${end}`);
    shown = next;
  };

  return {
    draw(next) {
      lines = next;
      paint('');
    },
    above(text) {
      paint(
        text
          .split('\n')
          .map((line) => `${terminalText(line)}${escape}K\n`)
          .join(''),
      );
    },
    close() {
      if (hidden) terminal.write(`${escape}?25h`);
      hidden = false;
      shown = [];
      lines = [];
    },
  };
}
