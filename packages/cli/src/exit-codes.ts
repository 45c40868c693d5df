// What the command's exit status means.

/** How the command line ends, for scripts: see docs/errors.md. */
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
  /** SIGHUP (the terminal is closed): 128 + 1. */
  hungUp: 129,
  /** SIGINT (Ctrl-C): 128 + 2. */
  interrupted: 130,
  /** SIGTERM: 128 + 15. */
  terminated: 143,
} as const;
