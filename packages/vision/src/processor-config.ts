// What a checkpoint's preprocessor_config.json (Hugging Face's) says of the preparation of pictures.

import { InputError } from '@deepearth/core';
import { imageNet, type Interpolation, type PictureProcessing } from './picture-processing.ts';

/** A processor: what it does, and to which size. */
export interface Processor {
  readonly processing: PictureProcessing;
  /** Pixels of the encoder's input. */
  readonly crop: { readonly height: number; readonly width: number };
}

type Fields = Readonly<Record<string, unknown>>;

/** What transformers' classes do where the file says nothing. */
interface ProcessorClass {
  readonly defaults: Fields;
  readonly resizedAs: PictureProcessing['resizedAs'];
}

const clipStatistics = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const imageNetStatistics = { image_mean: imageNet.mean, image_std: imageNet.deviation };
const always = { do_resize: true, do_rescale: true, rescale_factor: 1 / 255, do_normalize: true };

/** By `image_processor_type`, without the ending that names a backend. */
const classes: Readonly<Record<string, ProcessorClass>> = {
  BitImageProcessor: {
    defaults: {
      ...always,
      ...clipStatistics,
      size: { shortest_edge: 224 },
      crop_size: { height: 224, width: 224 },
      do_center_crop: true,
      resample: 3,
    },
    resizedAs: 'uint8',
  },
  // Rescales before it resizes.
  DINOv3ViTImageProcessor: {
    defaults: { ...always, ...imageNetStatistics, size: { height: 224, width: 224 }, resample: 2 },
    resizedAs: 'float32',
  },
};

/** Pillow's numbers of the filters. */
const interpolationsByNumber: Readonly<Record<number, Interpolation>> = { 2: 'bilinear', 3: 'bicubic' };

/**
 * Reads a preprocessor_config.json that is already parsed. Throws an `InputError` that names `path`, the field and its
 * value for everything that `prepareClip` does not do.
 */
export function readProcessor(json: unknown, path: string): Processor {
  const refuse = (field: string, why: string): never => {
    throw new InputError(path, `${field} is ${JSON.stringify(fields[field] ?? null)}: ${why}.`, {
      code: 'E_PROCESSOR_CONFIG',
      remedy: 'Without the file, frames are prepared as the published checkpoints of its kind are.',
    });
  };
  const given = (typeof json === 'object' && json !== null ? json : {}) as Fields;
  let fields = given;
  const type = String(given['image_processor_type']).replace(/(?:Fast|Pil)$/, '');
  const found = Object.hasOwn(classes, type) ? classes[type] : undefined;
  if (!found) return refuse('image_processor_type', `what is known is ${Object.keys(classes).join(', ')}`);
  fields = { ...found.defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) };

  for (const step of ['do_resize', 'do_rescale'])
    if (fields[step] !== true) refuse(step, 'pictures are always resized, and their values brought to 0…1');
  if (Math.abs((fields['rescale_factor'] as number) * 255 - 1) > 1e-6)
    refuse('rescale_factor', 'only 1/255 is supported');
  if (fields['do_pad'] === true) refuse('do_pad', 'padding is not supported');
  const interpolation =
    interpolationsByNumber[fields['resample'] as number] ?? refuse('resample', 'only 2 (bilinear) and 3 (bicubic) are');

  const normalised = fields['do_normalize'] !== false;
  const statistic = (field: string, plain: number): readonly [number, number, number] => {
    if (!normalised) return [plain, plain, plain];
    const value = fields[field];
    const three = typeof value === 'number' ? [value, value, value] : value;
    return Array.isArray(three) && three.length === 3 && three.every(Number.isFinite)
      ? (three as unknown as readonly [number, number, number])
      : refuse(field, 'expected three numbers');
  };

  const edges = (field: string): { height: number; width: number } | undefined => {
    const value = fields[field] as Fields | number | undefined;
    const { height, width } = typeof value === 'number' ? { height: value, width: value } : (value ?? {});
    const whole = (edge: unknown): edge is number => Number.isInteger(edge) && (edge as number) > 0;
    return whole(height) && whole(width) ? { height, width } : undefined;
  };
  const size = fields['size'] as Fields | number | undefined;
  // A number alone is the shortest edge where a crop follows, as in older files.
  const shortest =
    typeof size === 'number' ? (fields['do_center_crop'] === true ? size : undefined) : size?.['shortest_edge'];
  const { resizedAs } = found;
  const common = {
    interpolation,
    resizedAs,
    mean: statistic('image_mean', 0),
    deviation: statistic('image_std', 1),
  };
  if (shortest === undefined) {
    const exact = edges('size') ?? refuse('size', 'expected { height, width } or { shortest_edge }');
    if (fields['do_center_crop'] === true) {
      const crop = edges('crop_size');
      if (crop?.height !== exact.height || crop.width !== exact.width)
        refuse('crop_size', 'a crop after a resize to an exact size is not supported');
    }
    return { processing: { resize: 'exact', ...common }, crop: exact };
  }
  if (!Number.isInteger(shortest) || (shortest as number) < 1) refuse('size', 'its shortest edge is no whole number');
  if (fields['do_center_crop'] !== true)
    refuse('do_center_crop', 'without it the size of the input would depend on the picture');
  const crop = edges('crop_size') ?? refuse('crop_size', 'expected { height, width }');
  if (crop.height !== crop.width) refuse('crop_size', 'only squares are supported');
  return { processing: { resize: { shortestEdge: shortest as number, crop: crop.height }, ...common }, crop };
}
