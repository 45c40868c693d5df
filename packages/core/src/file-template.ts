// Names of files that an option spells with places to fill in: "frames_<first>_<last>/<layer>_t<step>".

import { z } from 'zod';
import { closest, InputError } from './errors.ts';
import { sequenceFolder } from './names.ts';
import { unsafeBecause } from './safe-path.ts';

/** A place that holds a number. */
export type NumberPlace = 'number' | 'first' | 'last' | 'step' | 'stepFirst' | 'stepLast' | 'position' | 'chunk';

/** Digits that a place has at least, as the usual names have them. */
const digits: Readonly<Record<NumberPlace, number>> = {
  number: 6,
  first: 4,
  last: 4,
  step: 1,
  stepFirst: 4,
  stepLast: 4,
  position: 2,
  chunk: 4,
};

/** What can be filled into a name. */
export type TemplatePlace = NumberPlace | 'layer' | 'reducer';

/** What is known of a file, by place; a place that is not given is an error where the template has it. */
export type TemplateValues = { readonly [P in TemplatePlace]?: P extends NumberPlace ? number : string };

const placesOf = (template: string): string[] => [...template.matchAll(/<(\w*)>/g)].map(([, place]) => place!);

/** The schema of an option whose value is a name with these places. */
export const fileTemplate = (places: readonly TemplatePlace[]): z.ZodString =>
  z
    .string()
    .min(1)
    .superRefine((template, { addIssue }) => {
      const unsafe = unsafeBecause(template.replace(/<\w*>/g, '0'));
      if (unsafe) addIssue({ code: 'custom', message: unsafe });
      for (const place of placesOf(template))
        if (!(places as readonly string[]).includes(place)) {
          const near = closest(place, places);
          addIssue({
            code: 'custom',
            message: `there is no <${place}> in it: ${near ? `did you mean <${near}>?` : `there are ${places.map((known) => `<${known}>`).join(', ')}`}`,
          });
        }
    });

/** Fills the places of a template. Throws an `InputError` that names `id` for one of which nothing is known. */
export function fillTemplate(template: string, values: TemplateValues, id: string): string {
  return template.replace(/<(\w*)>/g, (_, place: TemplatePlace) => {
    const value = values[place];
    if (value === undefined)
      throw new InputError(id, `nothing is known to fill into <${place}> of the name ${JSON.stringify(template)}.`, {
        code: 'E_FILE_NAME',
        remedy: 'Leave the place out, or put the sink behind a renderer of clips.',
      });
    return typeof value === 'number' ? String(value).padStart(digits[place as NumberPlace], '0') : value;
  });
}

/** `folder/name`, below the sequence where there are several; a folder "." is the output folder itself. */
export function pathIn(folder: string, name: string, sequence?: string): string {
  const inner = sequence === undefined ? name : `${sequenceFolder(sequence)}/${name}`;
  return folder === '.' ? inner : `${folder}/${inner}`;
}
