import { expect, test } from 'vitest';
import { closest } from './errors.ts';

test('a slip of the hand is understood', () => {
  expect(closest('slidign', ['sliding', 'still'])).toBe('sliding');
  expect(closest('sise', ['size', 'stride'])).toBe('size');
  expect(closest('wiht', ['with', 'type'])).toBe('with');
  expect(closest('frame', ['frames', 'tokens'])).toBe('frames');
  expect(closest('facebok/vjepa2-vitl-fpc64-25', ['facebook/vjepa2-vitl-fpc64-256'])).toBe(
    'facebook/vjepa2-vitl-fpc64-256',
  );
});

test('another word is not', () => {
  expect(closest('/nope', ['/home', '/opt'])).toBeUndefined();
  expect(closest('dir', ['fit', 'directory'])).toBeUndefined();
  expect(closest('a', ['b', 'ab'])).toBeUndefined();
  expect(closest('umap', ['pca', 'kmeans'])).toBeUndefined();
});
