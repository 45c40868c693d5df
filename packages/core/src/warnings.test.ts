import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RunEvent } from './events.ts';
import { definePipeline, use } from './pipeline.ts';
import { run } from './run.ts';
import { spec } from './specs.ts';
import { defineSource } from './stage.ts';

test('what a stage says of its input in the plan and again while it runs is one warning of the run', async () => {
  const saying = defineSource({
    type: 'saying',
    summary: 'Warns.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: spec('note', {}, null, 0), warnings: ['a gap', 'a tail'] }),
    async *process(_, { log }) {
      log.warn('a gap');
      log.warn('one frame is odd');
      log.warn('one frame is odd');
    },
  });
  const running = run(definePipeline([use(saying), use(saying, {}, { id: 'other' })]));
  const events: RunEvent[] = [];
  running.events$.subscribe((event) => events.push(event));
  const { manifest } = await running.result;
  const said = ['a gap', 'a tail', 'one frame is odd'];
  const of = (stage: string) => said.map((message) => ({ stage, message }));
  expect(manifest.warnings.filter(({ message }) => said.includes(message))).toEqual([...of('saying'), ...of('other')]);
  const told = events.flatMap((event) => (event.type === 'warning' && event.stage === 'saying' ? [event.message] : []));
  expect(told.filter((message) => said.includes(message))).toEqual(said);
});
