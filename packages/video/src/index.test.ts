import { expect, test } from 'vitest';
import * as everything from './index.ts';
import { stages } from './stages.ts';

test('every stage is listed under its own type', async () => {
  for (const [type, load] of Object.entries(stages)) expect((await load()).type).toBe(type);
});

test('what the package exports is what it is meant to', () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "chooseFrames",
      "decoderOnce",
      "decoderPool",
      "encoderNames",
      "findDecoder",
      "findEncoder",
      "findVideos",
      "inspectVideo",
      "isVideo",
      "mp4",
      "mp4Options",
      "openVideo",
      "stages",
      "video",
      "videoEndings",
      "videoHeadBytes",
      "videoReader",
      "videoSourceOptions",
      "webm",
      "webmOptions",
    ]
  `);
});
