// What becomes of stdout and stderr when they cannot be written: results of a run are files, so a run goes on without.

/** Keeps errors of the two streams from ending the process. Returns whether lines of stdout are lost. */
export function guardStreams(): () => boolean {
  let lost = false;
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    // A reader that went away (`deepearth stages | head -1`) is no failure.
    if (code === 'EPIPE' || lost) return;
    lost = true;
    const why = code === 'ENOSPC' ? 'no space is left for it' : code;
    process.stderr.write(`warning: stdout cannot be written (${why}): lines of it are lost.\n`);
  });
  return () => lost;
}
