// What is said of a model file of before, wherever it is used.

/** What there is to say of a model that carries no digest. */
export const unsealedRemark = (path: string): string =>
  `${path} was saved before model files had digests: damage to its numbers would not be seen. Fit again and save to have one.`;
