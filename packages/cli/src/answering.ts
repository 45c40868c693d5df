// Joins the command line to functions that are loaded when they are called.

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** Makes an action of a function that answers the exit status. */
export const answering =
  <Args extends readonly unknown[]>(load: () => Promise<(...args: Args) => Promise<number>>) =>
  async (...args: unknown[]): Promise<void> => {
    const action = await load();
    process.exitCode = await action(...(args.slice(0, -1) as unknown as Args));
  };
