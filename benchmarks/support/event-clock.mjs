// A clock for discrete-event simulations: processes are generators that say what they wait for.

/**
 * Runs processes in the order of their times. A process yields a time (a number) to go on at, or another process, whose
 * end it waits for. `start` begins one at the present time; `run` ends when nothing waits for a time any more.
 */
export function eventClock() {
  const heap = [];
  let now = 0;
  let begun = 0;

  const before = (a, b) => a.time < b.time || (a.time === b.time && a.order < b.order);
  function push(entry) {
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }
  function pop() {
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }

  const at = (time, process) => push({ time, order: begun++, process });
  function end(process) {
    process.ended = true;
    for (const waiting of process.waiting) at(now, waiting);
  }
  function advance(process) {
    const { done, value } = process.steps.next();
    if (done) end(process);
    else if (typeof value === 'number') at(Math.max(now, value), process);
    else if (value.ended) at(now, process);
    else value.waiting.push(process);
  }

  return {
    now: () => now,
    /** Something to wait for that `end` ends. */
    pending: () => ({ ended: false, waiting: [] }),
    end,
    start(steps) {
      const process = { steps, ended: false, waiting: [] };
      at(now, process);
      return process;
    },
    run() {
      while (heap.length > 0) {
        const { time, process } = pop();
        now = time;
        advance(process);
      }
    },
  };
}

/**
 * What serves one after the other, in the order of asking. `serve` returns when it will have given so many seconds to
 * one who asks now; `busySeconds` adds up what it gave.
 */
export function inTurn(clock) {
  let free = 0;
  const server = {
    busySeconds: 0,
    serve(seconds) {
      server.busySeconds += seconds;
      return (free = Math.max(clock.now(), free) + seconds);
    },
  };
  return server;
}

/**
 * Cores that are divided evenly among those who want one, of whom `others` always do. `serve` returns what ends when so
 * many seconds of a core have been given; `busySeconds` adds up what was asked for.
 */
export function divided(clock, cores, others = 0) {
  const served = [];
  // What everyone who has been there from the beginning was given: who asks for s seconds is served when it has grown
  // by s.
  let given = 0;
  let since = 0;
  let changes = 0;
  const rate = () => Math.min(1, cores / (others + served.length));

  function* endNext(change, time) {
    yield time;
    if (change !== changes) return;
    catchUp();
    const soonest = Math.min(...served.map(({ until }) => until));
    given = Math.max(given, soonest);
    for (let i = served.length - 1; i >= 0; i--)
      if (served[i].until <= soonest) clock.end(served.splice(i, 1)[0].pending);
    changed();
  }
  function catchUp() {
    given += (clock.now() - since) * rate();
    since = clock.now();
  }
  function changed() {
    changes++;
    if (served.length === 0) return;
    const left = Math.min(...served.map(({ until }) => until)) - given;
    clock.start(endNext(changes, clock.now() + left / rate()));
  }

  const places = {
    busySeconds: 0,
    serve(seconds) {
      places.busySeconds += seconds;
      catchUp();
      const pending = clock.pending();
      served.push({ until: given + seconds, pending });
      changed();
      return pending;
    },
  };
  return places;
}
