#!/usr/bin/env node
import module from 'node:module';

// From Node.js 22.8 on what was compiled is kept in the folder for temporary files, and the next start is shorter.
module.enableCompileCache?.();
const { processIo, run } = await import('../dist/index.mjs');

const io = processIo();
// A reader that goes away is no fault: what runs ends by it.
io.stdout.on('error', () => undefined);
const code = await run(process.argv.slice(2), io);
io.stdout.write('', () => process.exit(code));
