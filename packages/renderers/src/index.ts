// Stages
export { tokens, tokensOptions, drawTokens } from './tokens.ts';
export { overlay, overlayOptions } from './overlay.ts';
export { stacked, stackedOptions } from './stacked.ts';
export { panelsRenderer, panelsOptions } from './panels.ts';
export { sideBySide } from './side-by-side.ts';
export { contactSheet, contactSheetOptions } from './contact-sheet.ts';
export { scatter, scatterOptions } from './scatter.ts';
export { timeline, timelineOptions } from './timeline.ts';
export { stages } from './stages.ts';
// Parts
export { colorMap, colorMapNames, categoryColor, type ColorMapName } from '@deepearth/vision/colormaps';
export { cellColors, type ColorChoice } from './cell-colors.ts';
export { annotated } from './annotated.ts';
export { captionOf, captionStrip, type Caption, type CaptionField } from './caption.ts';
export { legendOf, legendStrip } from './legend.ts';
export { overlayPixels, type GridColors, type Interpolation } from './overlay-pixels.ts';
export { toRgb } from '@deepearth/vision/rgb';
