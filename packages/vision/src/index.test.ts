import { expect, test } from 'vitest';
import * as index from './index.ts';

test('the names that the package exports', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "assembleTiles",
      "cellAt",
      "categoryColor",
      "cellRectangle",
      "clipPreparation",
      "colorMap",
      "colorMapNames",
      "colorTable",
      "countValues",
      "decodePicture",
      "edgeOffPatch",
      "fillColour",
      "findProcessor",
      "fits",
      "imageNet",
      "inputOptions",
      "interpolations",
      "layout",
      "pictureExif",
      "pictureHeader",
      "pixelCache",
      "prepareClip",
      "preprocessClip",
      "processorNotes",
      "readPicture",
      "readPictureFile",
      "readProcessor",
      "readThrough",
      "resize",
      "resizeWindow",
      "resizeWindowFloat",
      "stretchRaster",
      "tiffPages",
    ]
  `);
});
