// Names from outside in messages: one line, without commands.
import { expect, test } from 'vitest';
import { InputError } from './errors.ts';
import { oneLine, some } from './printable.ts';

test('a name with line ends stays on the line of its message', () => {
  const name = 'a\nerror: forged\r\u2028\u001b[2J.png';
  expect(oneLine(name)).toBe('a\\u000aerror: forged\\u000d\\u2028\\u001b[2J.png');
  expect(new InputError(name, 'is empty.').message).toBe(`${oneLine(name)}: is empty.`);
  expect(new InputError(name, 'is empty.').subject).toBe(name);
  expect(some([name, 'b'])).not.toMatch(/[\n\r\u2028\u001b]/);
});

test('joiners of scripts and of signs stay as they are', () => {
  expect(oneLine('می\u200cخواهم 👩\u200d🚀.png')).toBe('می\u200cخواهم 👩\u200d🚀.png');
});
