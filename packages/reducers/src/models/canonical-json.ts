// JSON whose text is the same for the same value.

import type { Json } from './model.ts';

/** Keys in order. */
export const canonicalJson = (value: Json): string =>
  JSON.stringify(value, (_, inner: Json) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
