// Patterns of file names as the Python scripts took them, as the regular expressions that source/frames takes.

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/**
 * The expression of a glob ("*.jpg", "NCAR_frame_*.tif", "[ab]?.png") or of a name with a place for the number
 * ("frame_{:04d}.tif", "frame_%04d.tif"), which becomes the group `number`. As in Python on Linux,
 * capitals count. Folders before the name are left out: those in the folder are read by `recursive`.
 */
export function filePattern(pattern: string): string {
  const name = pattern.split('/').at(-1)!;
  let out = '';
  for (let at = 0; at < name.length;) {
    const rest = name.slice(at);
    const number = /^(?:\{[a-z_]*(?::0?\d*d)?\}|%0?\d*d)/i.exec(rest);
    const set = /^\[(!?)((?:[^\]\\]|\\.)[^\]]*)\]/.exec(rest);
    if (number) out += '(?<number>\\d+)';
    else if (set) out += `[${set[1] ? '^' : ''}${set[2]!.replaceAll('[', '\\[')}]`;
    else if (rest[0] === '*') out += '.*';
    else if (rest[0] === '?') out += '.';
    else out += escaped(rest[0]!);
    at += number?.[0].length ?? set?.[0].length ?? 1;
  }
  return `^${out}$`;
}
