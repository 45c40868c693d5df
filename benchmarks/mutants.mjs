// Damages saved models, .pt, safetensors, npy, zip, processor files and pictures, and says what became of each mutant.
//
//   node benchmarks/mutants.mjs [COUNT per kind of file, 200] [SEED, 1]
//
// Exit 1 where something is thrown that is not reported to users, or where other numbers come out of a file that has a
// checksum. Needs a build (npx tsc -b).

import { DeepEarthError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import { encodeNpy, encodeNpz, encodePt, encodeSafetensors } from '@deepearth/formats';
import { bytesSource } from '@deepearth/formats/bytes';
import { inspectFile, inspectionJson } from '@deepearth/formats/inspect';
import { decodeModel, encodeModel } from '@deepearth/reducers/model-file';
import { kmeans } from '@deepearth/reducers/kmeans';
import { pca } from '@deepearth/reducers/pca';
import { umap } from '@deepearth/reducers/umap';
import { restoreReducer } from '@deepearth/reducers';
import { seededNormal, tryMutants } from '@deepearth/testing';
import { readPicture } from '@deepearth/vision/read-picture';
import { readProcessor } from '@deepearth/vision/processor-config';
import sharp from 'sharp';

const [count = 200, seed = 1] = process.argv.slice(2).map(Number);
