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
  function advance(process) {
    const { done, value } = process.steps.next();
    if (done) {
      process.ended = true;
      for (const waiting of process.waiting) at(now, waiting);
    } else if (typeof value === 'number') at(Math.max(now, value), process);
    else if (value.ended) at(now, process);
    else value.waiting.push(process);
  }

  return {
    now: () => now,
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
 * What several share: `count` places, each of which serves one at a time, in the order of asking. `serve` returns when it
 * will have given so many seconds of a place to one who asks now; `busySeconds` adds up what it gave.
 */
export function sharedPlaces(clock, count = 1) {
  const free = Number.isFinite(count) ? Array(count).fill(0) : undefined;
  const places = {
    busySeconds: 0,
    serve(seconds) {
      places.busySeconds += seconds;
      if (!free) return clock.now() + seconds;
      let soonest = 0;
      for (let i = 1; i < free.length; i++) if (free[i] < free[soonest]) soonest = i;
      return (free[soonest] = Math.max(clock.now(), free[soonest]) + seconds);
    },
  };
  return places;
}
