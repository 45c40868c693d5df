// Lists for people, however long.

/** The first twelve, and how many more there are. */
export const some = (names: readonly string[], most = 12): string =>
  names.length > most ? `${names.slice(0, most).join(', ')} and ${names.length - most} more` : names.join(', ');
