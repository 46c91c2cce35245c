// Bundles each test file with the sources that it tests, for Node's test runner.
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}/.test-build`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: [
    ...readdirSync(`${root}/test`)
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `test/${name}`),
    "test/support/dev-server.ts",
  ],
  entryNames: "[name]",
  outdir: ".test-build",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  define: { $settings: "{}" },
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
});
