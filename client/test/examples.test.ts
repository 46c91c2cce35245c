// The examples of frameworks can be put together with what the package has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

for (const entry of ["react/app.jsx", "vue/app.js"]) {
  test(`examples/${entry} is put together`, async () => {
    const { outputFiles } = await build({
      entryPoints: [path(`../../examples/${entry}`)],
      bundle: true,
      write: false,
      format: "esm",
      jsx: "automatic",
      logLevel: "error",
      nodePaths: [path("../node_modules")],
      alias: {
        "stellar-client/react": path("../dist/react.mjs"),
        "stellar-client/vue": path("../dist/vue.mjs"),
        "stellar-client": path("../dist/stellar-client.mjs"),
      },
    });
    assert.match(outputFiles[0]!.text, /Random number/);
  });
}
