// The folder of a sink's files.

/** The folder of the options; one that nobody chose gives way where another stage would write the same names. */
export const folderOf = (folder: string, usual: string, ownName: string | undefined): string =>
  folder === usual ? (ownName ?? folder) : folder;
