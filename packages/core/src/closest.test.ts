import { expect, test } from 'vitest';
import { closest, closestFile } from './errors.ts';

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

test('of files the name counts, and not the ending that all have', () => {
  expect(closestFile('nope.yaml', ['bom.yaml', 'c.yaml'])).toBeUndefined();
  expect(closestFile('pipline.yaml', ['other.yaml', 'pipeline.yaml'])).toBe('pipeline.yaml');
  expect(closestFile('pipeline.yml', ['pipeline.yaml'])).toBe('pipeline.yaml');
  expect(closestFile('.hidden', ['.hiden'])).toBe('.hiden');
});
