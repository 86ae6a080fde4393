// How the pages are built: modern browsers only, every script and style a file of its own, as the content security
// policy of src/agents/operator/page-headers.ts wants it.
import { join } from "node:path";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  publicDir: "public",
  // Tests build the same pages as anybody: without names of files and lines.
  oxc: { jsx: { runtime: "automatic", importSource: "preact", development: false } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
    rolldownOptions: {
      input: {
        main: join(import.meta.dirname, "index.html"),
        "service-worker": join(import.meta.dirname, "src", "service-worker.ts"),
      },
      output: {
        // Its address must stay the same.
        entryFileNames: ({ name }) =>
          name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js",
      },
    },
  },
});
