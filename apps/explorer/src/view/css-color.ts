// Colours of the style sheet, for canvases.

/** The value of a custom property where an element stands. */
export const cssColor = (element: Element, name: string): string =>
  getComputedStyle(element).getPropertyValue(name).trim() || '#888888';
