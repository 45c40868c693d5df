// `deepearth inspect`: what a file of tensors, of Earth observation or a video holds, without executing anything in it.

import { existsSync } from 'node:fs';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import type { Json } from '@deepearth/core/items';
import type { Tensor } from '@deepearth/core/tensor';
import { inspectEarth, isZarr, type Inspected } from '@deepearth/eo/inspect';
import { openBytes } from '@deepearth/eo/raster-bytes';
import type { ByteSource } from '@deepearth/formats/bytes';
import { inspectFile, inspectionJson } from '@deepearth/formats/inspect';
import { inspectionText } from '@deepearth/formats/inspect-text';
import type { InspectedVideo, InspectVideoOptions } from '@deepearth/video/inspect';
import { cancellable } from '../cancel.ts';
import { cannotWrite } from '../cannot-write.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../format.ts';
import { refuseParquet, refusePlainFolder, refuseStill } from '../inspect/refuse-unread.ts';
import { print, remark } from '../print.ts';
import { reportError } from '../report-error.ts';

export interface InspectFlags {
  readonly json?: boolean;
  readonly digest?: boolean;
  /** False for `--no-stats`. */
  readonly stats?: boolean;
  readonly picture?: string;
  readonly force?: boolean;
  /** One of a store's or a file's variables. */
  readonly variable?: string;
}

export async function inspectCommand(file: string, flags: InspectFlags): Promise<number> {
  const { json = false, digest = false, stats, picture, variable } = flags;
  if (picture !== undefined) refusePicture(picture, flags);
  return cancellable(async ({ signal, status }) => {
    let source: ByteSource | undefined;
    try {
      if (!(await isZarr(file))) {
        refusePlainFolder(file);
        source = await openBytes(file);
        await refuseParquet(file, source, signal);
      }
      const looked = { variable, digest, quicklook: picture !== undefined, signal };
      const described = (await inspectEarth(file, source, looked)) ?? (await inspectMoving(file, source!, looked));
      if (described) {
        const { quicklook } = described;
        const drawn = picture !== undefined && quicklook ? await drawSmall(quicklook, picture, signal) : undefined;
        print(
          json ? inspectionJson({ file, ...described.json, ...(drawn && { picture: drawn.about }) }) : described.text,
        );
        if (drawn && !json) remark(drawn.text);
        return described.json['refused'] === undefined ? exitCodes.done : exitCodes.failed;
      }
      refuseVariable(file, variable);
      await refuseStill(file, source!, signal);
      const tensors = source!;
      const found = await inspectFile(tensors, { digest, statistics: stats ?? 'small', signal });
      const drawn = picture === undefined ? undefined : await draw(tensors, picture, signal);
      if (json) {
        const { size: bytes, holds, ...rest } = found;
        print(inspectionJson({ ...rest, bytes, holds, ...(drawn && { picture: drawn.about }) }));
      } else {
        print(inspectionText(found));
        if (drawn) remark(drawn.text);
      }
      return exitCodes.done;
    } catch (error) {
      if (status() !== undefined || !(error instanceof InputError) || isMissing(error)) throw error;
      if (json) print(JSON.stringify({ file, refused: error.message, code: error.code }));
      await reportError(error);
      return exitCodes.failed;
    } finally {
      await source?.close();
    }
  });
}

/** What a video holds; `undefined` for another file. */
async function inspectMoving(
  file: string,
  source: ByteSource,
  { variable, ...options }: InspectVideoOptions & { readonly variable: string | undefined },
): Promise<InspectedVideo | undefined> {
  const { inspectVideo, isVideo, videoHeadBytes } = await import('@deepearth/video/inspect');
  if (
    /^https?:/.test(file) ||
    !isVideo(file, await source.read(0, Math.min(videoHeadBytes, source.size), options.signal))
  )
    return undefined;
  refuseVariable(file, variable);
  return inspectVideo(file, options);
}

function refuseVariable(file: string, variable: string | undefined): void {
  if (variable !== undefined)
    throw new InputError(file, 'has no variables: it is neither a Zarr store nor a NetCDF file.', {
      code: 'E_VARIABLE',
      remedy: 'Leave `--variable` out.',
    });
}

/** There is nothing to look at, which is another end than to have refused it. */
const isMissing = ({ code, message }: InputError): boolean =>
  code === 'E_FILE_MISSING' || /is a folder, not a file/.test(message);

/** Throws for a picture that is none, or that is there already. */
function refusePicture(picture: string, { force = false }: InspectFlags): void {
  if (!picture.endsWith('.png'))
    throw new DeepEarthError(`--picture: ${picture} does not end in .png.`, {
      code: 'E_USAGE',
      remedy: 'The picture is a PNG file.',
    });
  if (existsSync(picture) && !force)
    throw new DeepEarthError(`${picture} is there already.`, {
      code: 'E_FILE_EXISTS',
      remedy: 'Name another, or replace it with --force.',
    });
}

/** What is said of a picture that was written. */
interface Drawn {
  readonly about: { readonly [field: string]: Json };
  readonly text: string;
}

async function draw(source: ByteSource, path: string, signal: AbortSignal): Promise<Drawn> {
  const { tokenPicture } = await import('../inspect/token-picture.ts');
  const { pixels, drawn, held, steps, explained } = await tokenPicture(source, signal);
  const { width, height } = await writePicture(pixels, path, signal);
  const grids = held === drawn ? plural(held, 'grid') : `${drawn} of ${plural(held, 'grid')}`;
  const share = explained.map((part) => `${(part * 100).toFixed(1)} %`).join(', ');
  return {
    about: { file: path, width, height, grids: drawn, steps, explainedVarianceRatio: explained },
    text: `Wrote ${path}: ${width} x ${height} pixels, ${grids}, ${plural(steps, 'step')} of time; colours are ${share} of the variance.`,
  };
}

async function drawSmall(
  { pixels, json, text }: NonNullable<Inspected['quicklook']>,
  path: string,
  signal: AbortSignal,
): Promise<Drawn> {
  const { width, height } = await writePicture(pixels, path, signal);
  return {
    about: { file: path, width, height, ...json },
    text: `Wrote ${path}: ${width} x ${height} pixels, ${text}.`,
  };
}

async function writePicture(pixels: Tensor<'uint8'>, path: string, signal: AbortSignal) {
  const [{ encodePicture }, { writeFileWhole }] = await Promise.all([
    import('@deepearth/sinks/pictures'),
    import('@deepearth/formats/write-file-node'),
  ]);
  const png = await encodePicture(pixels, 'png');
  await writeFileWhole(path, [png], signal).catch((cause: unknown) => {
    throw cannotWrite(path, cause);
  });
  const [height, width] = pixels.shape as [number, number];
  return { width, height };
}
