#!/usr/bin/env node
import { processIo, run } from '../dist/index.mjs';

const io = processIo();
// A reader that goes away is no fault: what runs ends by it.
io.stdout.on('error', () => undefined);
const code = await run(process.argv.slice(2), io);
io.stdout.write('', () => process.exit(code));
