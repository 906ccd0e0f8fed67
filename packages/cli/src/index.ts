/**
 * The command line of Monque, for programs that run it within their own process.
 *
 * @module
 */
export { ExitCode } from './context/exit-codes.ts';
export { type Io, processIo, type Sink, type Source } from './context/io.ts';
export { run } from './run.ts';
