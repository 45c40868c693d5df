// What a checkpoint's processor file (Hugging Face's preprocessor_config.json, video_preprocessor_config.json) says of
// the preparation of pictures, by the rules of transformers.

import { InputError } from '@deepearth/core';
import { imageNet, type Interpolation, type PictureProcessing } from './picture-processing.ts';

/** A processor: what it does, and to which size. */
export interface Processor {
  readonly processing: PictureProcessing;
  /** Pixels of the encoder's input. */
  readonly crop: { readonly height: number; readonly width: number };
  /**
   * Fields of the file that transformers' class does not use either, in a sentence each; absent where there are none.
   */
  readonly notes?: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** What transformers' classes do, and what they take where the file says nothing. */
interface ProcessorClass {
  readonly defaults: Fields;
  readonly resizedAs: PictureProcessing['resizedAs'];
  /** The class works out the size before the crop itself, whatever the file says. */
  readonly rule?: { readonly shortestEdge: number; readonly crop: number };
}

const clipStatistics = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const imageNetStatistics = { image_mean: imageNet.mean, image_std: imageNet.deviation };
const always = { do_resize: true, do_rescale: true, rescale_factor: 1 / 255, do_normalize: true };
const square = { default_to_square: true };
const bit: ProcessorClass = {
  defaults: {
    ...always,
    ...clipStatistics,
    size: { shortest_edge: 224 },
    crop_size: { height: 224, width: 224 },
    default_to_square: false,
    do_center_crop: true,
    resample: 3,
  },
  resizedAs: 'uint8',
};

const classes = {
  BitImageProcessor: bit,
  CLIPImageProcessor: bit,
  // Rescales before it resizes.
  DINOv3ViTImageProcessor: {
    defaults: { ...always, ...square, ...imageNetStatistics, size: { height: 224, width: 224 }, resample: 2 },
    resizedAs: 'float32',
  },
  VJEPA2VideoProcessor: {
    defaults: { ...always, ...square, ...imageNetStatistics, crop_size: 256, do_center_crop: true, resample: 2 },
    resizedAs: 'uint8',
    rule: { shortestEdge: 256, crop: 224 },
  },
  ViTImageProcessor: {
    defaults: {
      ...always,
      ...square,
      image_mean: 0.5,
      image_std: 0.5,
      size: { height: 224, width: 224 },
      resample: 2,
    },
    resizedAs: 'uint8',
  },
} satisfies Readonly<Record<ProcessorClassName, ProcessorClass>>;

/** A class of transformers whose rules are known, without the ending that names a backend. */
export type ProcessorClassName =
  'BitImageProcessor' | 'CLIPImageProcessor' | 'DINOv3ViTImageProcessor' | 'VJEPA2VideoProcessor' | 'ViTImageProcessor';

/** Pillow's numbers of the filters, and PyTorch's names of those that it has. */
const interpolations: ReadonlyMap<unknown, Interpolation> = new Map<unknown, Interpolation>([
  [0, 'nearest'],
  [1, 'lanczos'],
  [2, 'bilinear'],
  [3, 'bicubic'],
  [4, 'box'],
  [5, 'hamming'],
  ['nearest-exact', 'nearest'],
  ['bilinear', 'bilinear'],
  ['bicubic', 'bicubic'],
  ['lanczos', 'lanczos'],
]);

/** Pixels along an edge; the largest picture that is read has as many. */
const mostEdge = 16_384;

/** Steps that change no value of a colour picture, or that are looked at one by one. */
const knownSteps: ReadonlySet<string> = new Set([
  'do_resize',
  'do_rescale',
  'do_normalize',
  'do_center_crop',
  'do_convert_rgb',
]);

/** Classes that are taken: `known`, all by default; `fallback` for a file that names none. */
export interface ProcessorClasses {
  readonly known?: readonly ProcessorClassName[];
  readonly fallback?: ProcessorClassName;
}

/**
 * Reads a processor file that is already parsed. Throws an `InputError` that names `path`, the field and its value for
 * everything that `prepareClip` does not do.
 */
export function readProcessor(
  json: unknown,
  path: string,
  { known = Object.keys(classes) as ProcessorClassName[], fallback }: ProcessorClasses = {},
): Processor {
  const refuse = (
    field: string,
    why: string,
    remedy = 'Without the file, frames are prepared as the published checkpoints of its kind are.',
  ): never => {
    throw new InputError(path, `${field} is ${JSON.stringify(fields[field] ?? null)}: ${why}.`, {
      code: 'E_PROCESSOR_CONFIG',
      remedy,
    });
  };
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new InputError(path, `is ${JSON.stringify(json)?.slice(0, 40)}, and no processor's fields.`, {
      code: 'E_PROCESSOR_CONFIG',
      remedy: 'Without the file, frames are prepared as the published checkpoints of its kind are.',
    });
  const given = json as Fields;
  let fields = given;
  const typeField = given['video_processor_type'] == null ? 'image_processor_type' : 'video_processor_type';
  const type = String(given[typeField] ?? fallback).replace(/(?:Fast|Pil)$/, '');
  const name = known.find((one) => one === type) ?? refuse(typeField, `what is known is ${known.join(', ')}`);
  const { defaults, resizedAs, rule }: ProcessorClass = classes[name];
  fields = { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) };

  const on = (step: string): boolean => fields[step] === true;
  if (!on('do_resize')) refuse('do_resize', 'the size of the input would depend on the picture');
  if (on('do_sample_frames'))
    refuse('do_sample_frames', 'frames are chosen by the windower', 'Choose them there, and set it to false.');
  for (const [field, value] of Object.entries(fields))
    if (field.startsWith('do_') && value === true && !knownSteps.has(field))
      refuse(field, 'there is no such step here');
  if (fields['size_divisor'] !== undefined) refuse('size_divisor', 'there is no such step here');
  if ((fields['data_format'] ?? 'channels_first') !== 'channels_first')
    refuse('data_format', 'an encoder takes channels_first');
  const interpolation =
    interpolations.get(fields['resample']) ??
    refuse('resample', `expected one of ${[...interpolations.keys()].join(', ')}`);

  if (resizedAs === 'float32' && !on('do_rescale')) refuse('do_rescale', `${name} normalises no bytes`);
  const factor = on('do_rescale') ? fields['rescale_factor'] : 1;
  if (typeof factor !== 'number' || !(factor > 0) || !Number.isFinite(factor))
    return refuse('rescale_factor', 'expected a number above 0');
  // The statistics are of rescaled values; here those of values in 0…1 are wanted.
  const unit = Math.abs(factor * 255 - 1) > 1e-6 ? 1 / (factor * 255) : 1;
  const statistic = (field: string, plain: number): readonly [number, number, number] => {
    const value = on('do_normalize') ? fields[field] : plain;
    const three = typeof value === 'number' ? [value, value, value] : value;
    return Array.isArray(three) && three.length === 3 && three.every(Number.isFinite)
      ? (three.map((one: number) => one * unit) as unknown as readonly [number, number, number])
      : refuse(field, 'expected three numbers');
  };
  const deviation = statistic('image_std', 1);
  if (deviation.includes(0)) refuse('image_std', 'nothing can be divided by 0');
  const common = { interpolation, resizedAs, mean: statistic('image_mean', 0), deviation };

  const whole = (edge: unknown): edge is number =>
    Number.isInteger(edge) && (edge as number) > 0 && (edge as number) <= mostEdge;
  const edges = (field: string): { height: number; width: number } | undefined => {
    const value = fields[field] as Fields | number | undefined;
    const { height, width } = typeof value === 'number' ? { height: value, width: value } : (value ?? {});
    return whole(height) && whole(width) ? { height, width } : undefined;
  };
  const squareCrop = (): { height: number; width: number } => {
    if (!on('do_center_crop')) refuse('do_center_crop', 'without it the size of the input would depend on the picture');
    const crop = edges('crop_size') ?? refuse('crop_size', `expected { height, width } up to ${mostEdge}`);
    return crop.height === crop.width ? crop : refuse('crop_size', 'only squares are supported');
  };
  if (rule) {
    const crop = squareCrop();
    const used = Math.trunc((crop.height * rule.shortestEdge) / rule.crop);
    const said = fields['size'] as Fields | number | undefined;
    const differs = said !== undefined && said !== used && (said as Fields)['shortest_edge'] !== used;
    const notes = [
      `${name} does not use size ${JSON.stringify(said)}: the shortest edge becomes ${used} before a crop of ${crop.height}`,
    ];
    return { processing: { resize: rule, ...common }, crop, ...(differs && { notes }) };
  }

  const size = fields['size'] as Fields | number | undefined;
  const sizeFields = typeof size === 'object' && size !== null ? Object.keys(size).sort().join() : undefined;
  const shortest =
    typeof size === 'number'
      ? on('default_to_square')
        ? undefined
        : size
      : sizeFields === 'shortest_edge'
        ? size?.['shortest_edge']
        : undefined;
  if (shortest === undefined) {
    if (typeof size !== 'number' && sizeFields !== 'height,width')
      refuse('size', 'expected { height, width } or { shortest_edge }');
    const exact = edges('size') ?? refuse('size', `expected whole numbers up to ${mostEdge}`);
    if (on('do_center_crop')) {
      const crop = edges('crop_size');
      if (crop?.height !== exact.height || crop.width !== exact.width)
        refuse('crop_size', 'a crop after a resize to an exact size is not supported');
    }
    return { processing: { resize: 'exact', ...common }, crop: exact };
  }
  if (!whole(shortest)) return refuse('size', `its shortest edge is no whole number up to ${mostEdge}`);
  const crop = squareCrop();
  if (crop.height > shortest) refuse('crop_size', `a crop beyond the shortest edge of ${shortest} is not supported`);
  return { processing: { resize: { shortestEdge: shortest, crop: crop.height }, ...common }, crop };
}
