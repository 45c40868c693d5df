// What the command's exit status means.

export const exitCodes = {
  done: 0,
  /** A stage failed, a file was refused, a check went past its tolerance. */
  failed: 1,
  /** The configuration or the command line is wrong. */
  usage: 2,
  /** The run came to its end, but items were skipped. */
  skipped: 3,
  /** Data that came in is missing or broken. */
  input: 4,
  /** SIGINT (Ctrl-C): 128 + 2. */
  interrupted: 130,
  /** SIGTERM: 128 + 15. */
  terminated: 143,
} as const;

/** The same for the end of `--help`. */
export const exitCodesHelp = `
Exit status:
  0    done
  1    a stage failed, a file was refused, a check went past its tolerance
  2    the configuration or the command line is wrong
  3    finished, but items were skipped
  4    data that came in is missing or broken
  130  cancelled (Ctrl-C); 143 by SIGTERM`;
