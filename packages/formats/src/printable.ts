// Makes text out of a file fit for an error message or a terminal.

export { printable, show } from '@deepearth/core/printable';
