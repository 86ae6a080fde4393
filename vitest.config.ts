import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongFilesFirst } from "./scripts/long-files-first.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", "./scripts/closing-line-reporter.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: "forks",
    sequence: { sequencer: LongFilesFirst },
    // Hundreds of processes are started: each need not compile the same files again.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules", ".cache", "compiled") },
  },
});
