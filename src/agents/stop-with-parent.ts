// Loaded before a program that another one starts: ends it, as a terminal would, when that one is gone, even if it
// was killed. The other one holds the program's standard input open for this, and writes nothing into it.
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.on("error", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
process.stdin.unref();
