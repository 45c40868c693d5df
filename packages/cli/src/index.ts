// The command line as a program, for tools that embed it
export { makeProgram } from './program.ts';
export { exitCodes } from './exit-codes.ts';
export { builtinStages } from './registry.ts';
