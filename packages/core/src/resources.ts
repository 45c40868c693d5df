// Resources that items still need after the stage that opened them has ended.

/** Opens resources and closes all of them when the run ends. */
export interface Resources {
  keep<T>(open: () => Promise<T> | T, close: (resource: T) => Promise<void> | void): Promise<T>;
  share<T>(name: string, open: () => Promise<T> | T, close: (resource: T) => Promise<void> | void): Promise<T>;
  /** Closes what is open, last opened first; all of it, also when one cannot be closed. Throws the first failure. */
  close(): Promise<void>;
}

/** Starts with nothing open. */
export function runResources(): Resources {
  const closers: (() => Promise<void>)[] = [];
  const shared = new Map<string, Promise<unknown>>();
  let over = false;

  const keep: Resources['keep'] = async (open, close) => {
    if (over) throw new Error('the run has ended: nothing can be kept any more');
    const resource = await open();
    closers.push(async () => close(resource));
    // The run ended while it was being opened, and nothing else would close it.
    if (over) {
      await closeAll();
      throw new Error('the run ended while a resource was being opened');
    }
    return resource;
  };

  async function closeAll(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (let close = closers.pop(); close; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
  }

  return {
    keep,
    share<T>(name: string, open: () => Promise<T> | T, close: (resource: T) => Promise<void> | void): Promise<T> {
      let resource = shared.get(name) as Promise<T> | undefined;
      if (!resource) {
        resource = keep(open, close);
        // One that could not be opened may be tried again, by the same stage or another.
        resource.catch(() => shared.delete(name));
        shared.set(name, resource);
      }
      return resource;
    },
    close() {
      over = true;
      return closeAll();
    },
  };
}
