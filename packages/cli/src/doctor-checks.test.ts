import { expect, test } from 'vitest';
import { pictureFormats } from './doctor-checks.ts';

const reads = (...fileSuffix: string[]) => ({ input: { file: true, fileSuffix } });

test('HEIC counts as readable only where libvips has its decoder, not because AVIF has one', () => {
  expect(pictureFormats({ jpeg: reads('.jpg'), heif: reads('.avif') })).toEqual({
    readable: ['jpeg', 'avif'],
    not: ['png', 'tiff', 'webp', 'gif', 'heic', 'jp2k'],
  });
  expect(pictureFormats({ heif: reads('.avif', '.heic', '.heif') }).readable).toEqual(['avif', 'heic']);
});
