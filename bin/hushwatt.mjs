#!/usr/bin/env node
// The `hushwatt` command: hands over to src/cli/main.ts.
import { runProgram } from "./bootstrap.mjs";

runProgram("src/cli/main.ts", process.argv.slice(2));
