// Laws about time: errors pass, a run can be stopped anywhere, nobody runs ahead, and everything is closed.

import { describeAlone } from '@deepearth/runtime/run-stage';
import { isRefusal } from '@deepearth/core/stage';
import { causedBy, Hanging, observe, textOf, type Seen } from './observe.ts';
import type { AnyStage, Check } from './subject.ts';
import { withInputs } from './with-inputs.ts';

const nonSource = (stage: AnyStage): boolean => stage.kind !== 'source';

/** What must be so however a run ended. */
const afterwards = ({ opened, closed, strays, error }: Seen, when: string): string[] => [
  ...(error instanceof Hanging ? [`it hangs ${when}: ${error.message}`] : []),
  ...(opened === closed ? [] : [`${when} it was opened ${opened} times and closed ${closed} times`]),
  ...strays.map((path) => `${when} it leaves ${path} behind, which is no whole file`),
];

/** Lets everything happen that wants to happen by itself. */
async function idle(turns = 25): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

export const flowChecks: readonly Check[] = [
  {
    title: 'passes on an error of its input and is closed',
    applies: nonSource,
    async find(stage, subject) {
      const problems: string[] = [];
      for (const at of ['first', 'last'] as const) {
        const broken = new Error('the input broke');
        const seen = await observe(stage, subject, {
          beforeItem(index, count) {
            if (index === (at === 'first' ? 0 : count)) throw broken;
          },
        });
        const when = at === 'first' ? 'when its input fails at once' : 'when its input fails after the last item';
        problems.push(...afterwards(seen, when));
        if (seen.error === undefined) problems.push(`${when} it ends as if nothing were wrong`);
        else if (!(seen.error instanceof Hanging) && !causedBy(seen.error, broken))
          problems.push(`${when} the cause is lost: ${textOf(seen.error)}`);
      }
      return problems;
    },
  },
  {
    title: 'ends when it is aborted: before, half-way, and after the last item; nothing half-written',
    applies: nonSource,
    async find(stage, subject) {
      const problems: string[] = [];
      for (const part of [0, 0.5, 1]) {
        const stop = new AbortController();
        const reason = new Error('stop it');
        const seen = await observe(stage, subject, {
          signal: stop.signal,
          beforeItem: (index, count) => {
            if (index === Math.floor(part * count)) stop.abort(reason);
          },
        });
        const when =
          part === 0
            ? 'when it is aborted before the first item'
            : part === 1
              ? 'when it is aborted after the last item'
              : 'when it is aborted half-way';
        problems.push(...afterwards(seen, when));
        if (seen.error === undefined) problems.push(`${when} it goes on to the end`);
        else if (!(seen.error instanceof Hanging) && !causedBy(seen.error, reason))
          problems.push(`${when} it fails with something else: ${textOf(seen.error)}`);
      }
      return problems;
    },
  },
  {
    title: 'ends when it is aborted while it works on what has come; nothing half-written',
    applies: nonSource,
    async find(stage, subject) {
      const problems: string[] = [];
      for (const milliseconds of [0, 3, 30]) {
        const stop = new AbortController();
        const reason = new Error('stop it');
        let timer: NodeJS.Timeout | undefined;
        const seen = await observe(stage, subject, {
          signal: stop.signal,
          afterEnd: () => (timer = setTimeout(() => stop.abort(reason), milliseconds)),
        });
        clearTimeout(timer);
        const when = `when it is aborted ${milliseconds} ms after the end of its input`;
        problems.push(...afterwards(seen, when));
        // It may have been quicker.
        if (seen.error !== undefined && !(seen.error instanceof Hanging) && !causedBy(seen.error, reason))
          problems.push(`${when} it fails with something else: ${textOf(seen.error)}`);
      }
      return problems;
    },
  },
  {
    title: 'ends soon when it is aborted after its first item came out; nothing half-written',
    async find(stage, subject) {
      const stop = new AbortController();
      const reason = new Error('stop it');
      let late = 0;
      const seen = await observe(stage, subject, {
        signal: stop.signal,
        onItem: async () => {
          if (stop.signal.aborted) late += 1;
          stop.abort(reason);
          await idle(2);
        },
      });
      const problems = afterwards(seen, 'when it is aborted after its first item came out');
      const ahead = subject.ahead ?? 2;
      if (seen.error !== undefined && !(seen.error instanceof Hanging) && !causedBy(seen.error, reason))
        problems.push(`when it is aborted it fails with something else: ${textOf(seen.error)}`);
      if (stage.kind === 'source' && late > ahead)
        problems.push(
          `${late} items come out after it was aborted; give context.signal to what waits and call signal.throwIfAborted()`,
        );
      return problems;
    },
  },
  {
    title: 'is closed when its consumer leaves early',
    async find(stage, subject) {
      const seen = await observe(stage, subject, { onItem: () => false });
      return [
        ...afterwards(seen, 'when its consumer leaves'),
        ...(seen.error === undefined || seen.error instanceof Hanging
          ? []
          : [`it fails when its consumer leaves: ${textOf(seen.error)}`]),
      ];
    },
  },
  {
    title: 'takes items only as its consumer needs them, or says that it drains',
    applies: nonSource,
    async find(stage, subject) {
      const described = await withInputs(subject, (inputs) =>
        describeAlone(stage, { options: subject.options, inputs }),
      );
      const drains = !isRefusal(described) && described.drains === true;
      const ahead = subject.ahead ?? 2;
      let most = 0;
      let early = false;
      let greedy = false;
      let excess = 0;
      let out = 0;
      const seen = await observe(stage, subject, {
        async onItem(_, state) {
          const taken = state.taken();
          if (out === 0) [early, greedy] = [!state.ended(), state.ended()];
          out += 1;
          excess = Math.max(excess, taken - out);
          await idle();
          most = Math.max(most, state.taken() - taken);
        },
      });
      const problems: string[] = [];
      if (drains && early && seen.items.length)
        problems.push('describe says that it drains, but an item comes out before everything came in');
      // A sink that writes one file of everything needs everything; of two or three items little can be said.
      if (!drains && greedy && seen.items.length > 2 && seen.taken > ahead + 2)
        problems.push(
          `it takes all ${seen.taken} items before the first comes out; say drains: true in describe, or yield as they come`,
        );
      // Where as much comes out as goes in, the n-th item needs no more than n.
      if (!drains && seen.items.length === seen.taken && excess > ahead) most = Math.max(most, excess);
      if (!drains && most > ahead)
        problems.push(`it takes ${most} items before its consumer needs them; ${ahead} are allowed`);
      return problems;
    },
  },
];
