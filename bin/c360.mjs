#!/usr/bin/env node
// The `c360` command: installs what is missing and continues on the pinned Node.js.
import { join } from 'node:path';
import { root, runPinned } from '../scripts/pinned.mjs';

runPinned([join(root, 'src/cli/main.ts'), ...process.argv.slice(2)]);
