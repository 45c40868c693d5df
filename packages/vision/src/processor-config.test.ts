import { describe, expect, it } from 'vitest';
import { imageNet } from './picture-processing.ts';
import { readProcessor } from './processor-config.ts';

// As published with facebook/dinov2-base and facebook/dinov3-vitl16-pretrain-sat493m.
const dinov2 = {
  crop_size: { height: 224, width: 224 },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.485, 0.456, 0.406],
  image_processor_type: 'BitImageProcessor',
  image_std: [0.229, 0.224, 0.225],
  resample: 3,
  rescale_factor: 0.00392156862745098,
  size: { shortest_edge: 256 },
};
const dinov3 = {
  crop_size: null,
  data_format: 'channels_first',
  do_center_crop: null,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.43, 0.411, 0.296],
  image_processor_type: 'DINOv3ViTImageProcessorFast',
  image_std: [0.213, 0.156, 0.143],
  resample: 2,
  rescale_factor: 0.00392156862745098,
  size: { height: 224, width: 224 },
};

describe('readProcessor', () => {
  it('reads the files of DINOv2 and DINOv3', () => {
    expect(readProcessor(dinov2, 'p.json')).toEqual({
      processing: {
        resize: { shortestEdge: 256, crop: 224 },
        interpolation: 'bicubic',
        resizedAs: 'uint8',
        ...imageNet,
      },
      crop: { height: 224, width: 224 },
    });
    expect(readProcessor(dinov3, 'p.json')).toEqual({
      processing: {
        resize: 'exact',
        interpolation: 'bilinear',
        resizedAs: 'float32',
        mean: [0.43, 0.411, 0.296],
        deviation: [0.213, 0.156, 0.143],
      },
      crop: { height: 224, width: 224 },
    });
  });

  it('takes what the file leaves out from the class that it names', () => {
    expect(readProcessor({ image_processor_type: 'DINOv3ViTImageProcessor' }, 'p.json').processing).toEqual({
      resize: 'exact',
      interpolation: 'bilinear',
      resizedAs: 'float32',
      ...imageNet,
    });
    const { processing } = readProcessor({ image_processor_type: 'BitImageProcessor' }, 'p.json');
    expect(processing.mean[0]).toBe(0.48145466);
  });

  it('takes sizes as numbers, and values as they are where nothing is normalised', () => {
    expect(readProcessor({ ...dinov2, size: 256, crop_size: 196 }, 'p.json')).toMatchObject({
      processing: { resize: { shortestEdge: 256, crop: 196 } },
      crop: { height: 196, width: 196 },
    });
    expect(readProcessor({ ...dinov3, size: 512, do_normalize: false }, 'p.json')).toMatchObject({
      processing: { resize: 'exact', mean: [0, 0, 0], deviation: [1, 1, 1] },
      crop: { height: 512, width: 512 },
    });
    expect(readProcessor({ ...dinov3, size: { height: 256, width: 512 } }, 'p.json').crop).toEqual({
      height: 256,
      width: 512,
    });
  });

  it.each([
    [{ ...dinov2, image_processor_type: 'SamImageProcessor' }, 'image_processor_type is "SamImageProcessor"'],
    [{ image_processor_type: 'constructor' }, 'image_processor_type is "constructor"'],
    [{}, 'image_processor_type is null'],
    [null, 'is null, and no processor'],
    [[], 'is [], and no processor'],
    [5, 'is 5, and no processor'],
    [{ ...dinov2, crop_size: 1e6 }, 'crop_size is 1000000: expected { height, width } up to 16384'],
    [{ ...dinov2, crop_size: 1e12 }, 'crop_size is 1000000000000'],
    [{ ...dinov2, size: { shortest_edge: 1e12 } }, 'size is {"shortest_edge":1000000000000}'],
    [{ ...dinov3, size: 1e12 }, 'size is 1000000000000: expected whole numbers up to 16384'],
    [{ ...dinov2, do_resize: false }, 'do_resize is false'],
    [{ ...dinov3, do_rescale: false }, 'do_rescale is false'],
    [{ ...dinov2, rescale_factor: 0 }, 'rescale_factor is 0'],
    [{ ...dinov2, rescale_factor: '1/255' }, 'rescale_factor is "1/255"'],
    [{ ...dinov2, image_std: [1, 0, 1] }, 'image_std is [1,0,1]'],
    [{ ...dinov2, crop_size: 257 }, 'crop_size is 257'],
    [
      { ...dinov2, size: { shortest_edge: 256, longest_edge: 512 } },
      'size is {"shortest_edge":256,"longest_edge":512}',
    ],
    [{ ...dinov2, size_divisor: 32 }, 'size_divisor is 32'],
    [{ ...dinov2, data_format: 'channels_last' }, 'data_format is "channels_last"'],
    [{ ...dinov2, do_flip_channel_order: true }, 'do_flip_channel_order is true'],
    [{ video_processor_type: 'VJEPA2VideoProcessor', do_sample_frames: true }, 'do_sample_frames is true'],
    [
      { video_processor_type: 'LlavaOnevisionVideoProcessor' },
      'video_processor_type is "LlavaOnevisionVideoProcessor"',
    ],
    [
      { ...dinov2, resample: 6 },
      'resample is 6: expected one of 0, 1, 2, 3, 4, 5, nearest-exact, bilinear, bicubic, lanczos',
    ],
    // PyTorch's "nearest" takes another pixel than Pillow's.
    [{ ...dinov2, resample: 'nearest' }, 'resample is "nearest"'],
    [{ ...dinov2, resample: [2] }, 'resample is [2]'],
    [{ ...dinov2, resample: 'toString' }, 'resample is "toString"'],
    [{ ...dinov2, do_center_crop: false }, 'do_center_crop is false'],
    [{ ...dinov2, image_std: [1, 2] }, 'image_std is [1,2]'],
    [{ ...dinov2, size: { shortest_edge: 0.5 } }, 'size is {"shortest_edge":0.5}'],
    [{ ...dinov2, size: { longest_edge: 9 } }, 'size is {"longest_edge":9}'],
    [{ ...dinov2, crop_size: { height: 224, width: 112 } }, 'crop_size is {"height":224,"width":112}'],
    [{ ...dinov3, do_center_crop: true, crop_size: 112 }, 'crop_size is 112'],
    [{ ...dinov3, do_pad: true }, 'do_pad is true'],
  ])('refuses what it cannot do by the name of the field: %j', (json, message) => {
    expect(() => readProcessor(json, 'p.json')).toThrow(`p.json: ${message}`);
  });
});
