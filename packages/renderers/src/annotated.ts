// Puts the legend and the caption that are asked for below a picture.

import type { Legend, Tensor } from '@deepearth/core';
import type { z } from 'zod';
import {
  captionFields,
  captionHeight,
  captionOption,
  captionStrip,
  type Caption,
  type CaptionField,
} from './caption.ts';
import { legendOption, legendStrip } from './legend.ts';
import { stackRows, textScale } from './strip.ts';

/** The options `caption` and `legend`, part of every renderer's. */
export const annotationOptions = { caption: captionOption, legend: legendOption };

/** What is to stand below pictures. */
export type Annotations = z.output<z.ZodObject<typeof annotationOptions>>;

/** The picture, its legends, its caption, from top to bottom; without any the picture itself. */
export function annotated(
  picture: Tensor<'uint8'>,
  caption: Caption,
  legends: readonly Legend[] = [],
  scale = textScale(picture.shape[1]!, picture.shape[0]!),
): Tensor<'uint8'> {
  const width = picture.shape[1]!;
  return stackRows([
    picture,
    ...(legends.length ? [legendStrip(legends, width, scale)] : []),
    ...(caption.length ? [captionStrip(caption, width, scale)] : []),
  ]);
}

/** The height of a picture with its caption; `null` where one is not known. */
export const captionedHeight = (
  width: number | null,
  height: number | null,
  fields: readonly CaptionField[],
): number | null =>
  width === null || height === null ? null : height + captionHeight(fields, width, textScale(width, height));

/**
 * The height of a picture with what is to stand below it; `null` with a legend, whose height depends on its numbers.
 */
export const annotatedHeight = (
  width: number | null,
  height: number | null,
  { caption, legend }: Annotations,
): number | null => (legend ? null : captionedHeight(width, height, captionFields(caption)));
