// `deepearth model see`: the pixels that the encoder gets of a picture.

import { fits } from '@deepearth/vision/geometry';
import { savePictureSeen } from '@deepearth/model-vjepa2/see';
import { exitCodes } from '../exit-codes.ts';
import { parseChoice, parseSize } from '../parse-number.ts';
import { print } from '../print.ts';

export async function modelSeeCommand(
  picture: string,
  output: string,
  { crop, fit }: { readonly crop: string; readonly fit: string },
): Promise<number> {
  const { height, width } = parseSize('--crop', crop);
  const size = await savePictureSeen(picture, output, {
    cropSize: height === width ? height : { height, width },
    fit: parseChoice('--fit', fit, fits),
  });
  print(`Wrote ${output}: ${size.width} x ${size.height} pixels.`);
  return exitCodes.done;
}
