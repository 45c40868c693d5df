// What a click on a token does.

import { signal } from '@preact/signals';

/** How the next pick joins those that there are; `mark` gives the token a label instead. */
export type PickMode = 'new' | 'like' | 'unlike' | 'mark';
export const pickMode = signal<PickMode>('new');
/** The label that a click gives, while clicks mark. */
export const activeLabel = signal(0);
