#!/usr/bin/env node
import { processIo, run } from '../dist/index.mjs';

const io = processIo();
// Who reads no further, as `head` does, has what it wants.
io.stdout.on('error', () => process.exit(0));
const code = await run(process.argv.slice(2), io);
io.stdout.write('', () => process.exit(code));
