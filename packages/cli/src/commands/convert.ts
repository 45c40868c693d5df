// `deepearth convert`: files of tensors from one format into another.

import { InputError } from '@deepearth/core/errors';
import { tensorFormats } from '@deepearth/formats/convert';
import { tensorTypes } from '@deepearth/formats/retype';
import { cancellable } from '../cancel.ts';
import { planConversions, type Conversion } from '../convert/conversions.ts';
import { convertFile, type Converted } from '../convert/convert-file.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, formatSeconds, plural } from '../format.ts';
import { parseChoice } from '../parse-number.ts';
import { print, printJson, warn } from '../print.ts';
import { reportError } from '../report-error.ts';
import { stepProgress } from '../step-progress.ts';

export interface ConvertFlags {
  readonly to?: string;
  readonly dtype: string;
  readonly tensor?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function convertCommand(from: string, to: string, flags: ConvertFlags): Promise<number> {
  const { tensor, force = false, json = false } = flags;
  const format = flags.to === undefined ? undefined : parseChoice('--to', flags.to, tensorFormats);
  const dtype = parseChoice('--dtype', flags.dtype, tensorTypes);
  const conversions = await planConversions(from, to, { format, force });
  const several = conversions.length > 1 || conversions[0]!.from !== from;
  const total = conversions.reduce((sum, { size }) => sum + size, 0);
  const progress = stepProgress({ json, unit: 'bytes' });
  const started = performance.now();
  return cancellable(
    async ({ signal, status }) => {
      const files: Converted[] = [];
      const skipped: { from: string; code: string; message: string }[] = [];
      let done = 0;
      const convert = ({ from: path, to: target, format: kind, size }: Conversion): Promise<Converted> =>
        convertFile(path, target, kind, {
          dtype,
          tensor,
          signal,
          progress: (share) => progress.report('convert', done + share * size, total),
        });
      try {
        for (const conversion of conversions) {
          try {
            files.push(await convert(conversion));
          } catch (error) {
            // One bad file of a folder is left out; what is the matter with all of them ends the work.
            if (!several || status() !== undefined || !isOfOneFile(error)) throw error;
            progress.close();
            await reportError(error);
            skipped.push({ from: conversion.from, code: error.code, message: error.message });
          }
          done += conversion.size;
        }
      } finally {
        progress.close();
      }
      const seconds = Math.round(performance.now() - started) / 1000;
      if (json) printJson({ files, skipped, seconds });
      else said(files, skipped.length, seconds, several);
      return skipped.length ? exitCodes.skipped : exitCodes.done;
    },
    { stopped: 'Stopped; only whole files are left.' },
  );
}

/** Whether an error is about what one file holds, and not about where results go. */
const isOfOneFile = (error: unknown): error is InputError =>
  error instanceof InputError && !/^E_(DISK_FULL|OUTPUT|SYSTEM_LIMIT|PATH)/.test(error.code);

function said(files: readonly Converted[], skipped: number, seconds: number, several: boolean): void {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const [only] = files;
  print(
    several || !only
      ? `Converted ${plural(files.length, 'file')}, ${formatBytes(bytes)}, in ${formatSeconds(seconds)}.${skipped ? ` ${plural(skipped, 'file')} could not be: see above.` : ''}`
      : `Wrote ${only.to}: ${plural(only.tensors, 'tensor')}, ${formatBytes(only.bytes)}, in ${formatSeconds(seconds)}.`,
  );
  // The same remark of many files is said once.
  const places = new Map<string, string[]>();
  for (const { from, remarks } of files)
    for (const text of remarks) places.set(text, [...(places.get(text) ?? []), from]);
  for (const [text, [first, ...more]] of places)
    warn(`${first}${more.length ? ` and ${more.length} more` : ''}: ${text}`);
}
