// Laws about time: errors pass, a run can be stopped anywhere, no stage runs ahead, and everything is closed.

import { describeAlone } from '@deepearth/runtime/run-stage';
import { isRefusal } from '@deepearth/core/stage';
import { causedBy, Hanging, observe, textOf, type Script, type Seen } from './observe.ts';
import type { AnyStage, Check, Subject } from './subject.ts';
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

/** A stage that is aborted at one moment, observed. */
interface Stopped {
  readonly seen: Seen;
  readonly reason: Error;
}

/** Runs a stage whose signal `script` aborts. */
async function stopping(
  stage: AnyStage,
  subject: Subject,
  script: (stop: () => void, aborted: () => boolean) => Script,
): Promise<Stopped> {
  const stop = new AbortController();
  const reason = new Error('stop it');
  const seen = await observe(stage, subject, {
    ...script(
      () => stop.abort(reason),
      () => stop.signal.aborted,
    ),
    signal: stop.signal,
  });
  return { seen, reason };
}

/**
 * What is wrong with how a stage ends when it is aborted. A loaded machine is late at times, a stage that ignores its
 * signal always: only what is too slow three times is reported.
 */
async function problemsOfStopping(
  when: string,
  subject: Subject,
  stopped: () => Promise<Stopped>,
  found: (stopped: Stopped) => readonly string[],
): Promise<string[]> {
  const most = subject.abortMilliseconds ?? 900;
  let quickest = Infinity;
  for (let attempt = 0; attempt < 3; attempt++) {
    const once = await stopped();
    const problems = [...afterwards(once.seen, when), ...found(once)];
    if (problems.length) return problems;
    quickest = Math.min(quickest, once.seen.stopMilliseconds ?? 0);
    if (quickest <= most) return [];
  }
  return [
    `${when} it goes on for ${Math.round(quickest)} ms, ${most} ms are allowed; hand context.signal to what waits and call signal.throwIfAborted() in long loops`,
  ];
}

/** Says that it failed, but not because it was aborted. */
const failedOtherwise = ({ seen: { error }, reason }: Stopped, when: string): string[] =>
  error === undefined || error instanceof Hanging || causedBy(error, reason)
    ? []
    : [`${when} it fails with something else: ${textOf(error)}`];

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
    title: 'ends soon when it is aborted: before, half-way, and after the last item; nothing half-written',
    applies: nonSource,
    async find(stage, subject) {
      const problems: string[] = [];
      for (const [part, when] of [
        [0, 'when it is aborted before the first item'],
        [0.5, 'when it is aborted half-way'],
        [1, 'when it is aborted after the last item'],
      ] as const) {
        const stopped = () =>
          stopping(stage, subject, (stop) => ({
            beforeItem: (index, count) => {
              if (index === Math.floor(part * count)) stop();
            },
          }));
        const found = (once: Stopped): readonly string[] =>
          once.seen.error === undefined ? [`${when} it goes on to the end`] : failedOtherwise(once, when);
        problems.push(...(await problemsOfStopping(when, subject, stopped, found)));
      }
      return problems;
    },
  },
  {
    title: 'ends soon when it is aborted while it works on what has come; nothing half-written',
    applies: nonSource,
    async find(stage, subject) {
      const problems: string[] = [];
      for (const milliseconds of [0, 3, 30]) {
        for (const [moment, since] of [
          ['item', 'it took its last item'],
          ['end', 'the end of its input'],
        ] as const) {
          const when = `when it is aborted ${milliseconds} ms after ${since}`;
          const stopped = async (): Promise<Stopped> => {
            let timer: NodeJS.Timeout | undefined;
            return stopping(stage, subject, (stop) => {
              const later = (): void => void (timer = setTimeout(stop, milliseconds));
              return moment === 'end'
                ? { afterEnd: later }
                : {
                    beforeItem: (index, count) => {
                      if (index === count - 1) later();
                    },
                  };
            }).finally(() => clearTimeout(timer));
          };
          // It may have been quicker, and ended well.
          problems.push(...(await problemsOfStopping(when, subject, stopped, (once) => failedOtherwise(once, when))));
        }
      }
      return problems;
    },
  },
  {
    title: 'ends soon when it is aborted after its first item came out; nothing half-written',
    async find(stage, subject) {
      const when = 'when it is aborted after its first item came out';
      const ahead = subject.ahead ?? 2;
      let late = 0;
      const stopped = () => {
        late = 0;
        return stopping(stage, subject, (stop, aborted) => ({
          onItem: async () => {
            if (aborted()) late += 1;
            stop();
            await idle(2);
          },
        }));
      };
      return problemsOfStopping(when, subject, stopped, (once) => [
        ...failedOtherwise(once, 'when it is aborted'),
        ...(stage.kind === 'source' && late > ahead
          ? [
              `${late} items come out after it was aborted; give context.signal to what waits and call signal.throwIfAborted()`,
            ]
          : []),
      ]);
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
