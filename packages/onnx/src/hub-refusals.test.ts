import { expect, it } from 'vitest';
import { didYouMean } from './hub-refusals.ts';

const known = ['facebook/vjepa2-vitl-fpc64-256', 'someone/vjepa2.1-vit-base-384', 'facebook/dinov2-base'];

it('finds the right owner, the right spelling, or both, and nothing where nothing is close', () => {
  expect(didYouMean('meta/DINOv2-base', known)).toBe('facebook/dinov2-base');
  expect(didYouMean('facebook/dinov2-bsae', known)).toBe('facebook/dinov2-base');
  expect(didYouMean('a-very-different-organisation/vjepa2-vitl-fpc64-255', known)).toBe(known[0]);
  expect(didYouMean('someone/else', known)).toBeUndefined();
  expect(didYouMean('someone/else', [])).toBeUndefined();
});
