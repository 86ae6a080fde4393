// What `npm start`, `npm test` and `npm run bench` call: the program behind each name.
import { runProgram } from "./bootstrap.mjs";

const programs = {
  start: ["src/cli/main.ts", "start"],
  test: ["scripts/check.ts"],
  check: ["scripts/check.ts", "--no-tests"],
  bench: ["bench/main.ts"],
};

const [name, ...args] = process.argv.slice(2);
const [program, ...first] = programs[name];
runProgram(program, [...first, ...args]);
