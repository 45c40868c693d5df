// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'renderer/frames': async () => (await import('./frames.ts')).framesRenderer,
  'renderer/tokens': async () => (await import('./tokens.ts')).tokens,
  'renderer/overlay': async () => (await import('./overlay.ts')).overlay,
  'renderer/contact-sheet': async () => (await import('./contact-sheet.ts')).contactSheet,
  'renderer/panels': async () => (await import('./panels.ts')).panelsRenderer,
  'renderer/stacked': async () => (await import('./stacked.ts')).stacked,
  'renderer/scatter': async () => (await import('./scatter.ts')).scatter,
  'renderer/timeline': async () => (await import('./timeline.ts')).timeline,
  'renderer/side-by-side': async () => (await import('./side-by-side.ts')).sideBySide,
};
