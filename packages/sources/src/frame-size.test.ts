import { expect, test } from 'vitest';
import { sameSize } from './frame-size.ts';

test('a picture of another size is refused by its file, and by its page where the file has several', () => {
  const usual = { width: 32, height: 24 };
  const picture = { name: 'stack.tif', width: 16, height: 12, pages: 1, page: 0 };
  expect(() => sameSize(usual, { ...picture, ...usual }, 'others are')).not.toThrow();
  expect(() => sameSize(usual, picture, 'others are')).toThrow('stack.tif: is 16 x 12 pixels, but others are 32 x 24.');
  expect(() => sameSize(usual, { ...picture, pages: 5, page: 3 }, 'others are')).toThrow(
    'stack.tif (page 3): is 16 x 12 pixels',
  );
});
