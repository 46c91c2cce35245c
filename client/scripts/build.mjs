// Builds dist/: the scripts that the server renders and serves, and the npm package's files.
// The same sources give the same bytes, so a rebuild of committed sources changes nothing.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const token = '"__STELLAR_SETTINGS__"';
const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
/** The largest a minified script may be, gzipped. */
const budgets = { "stellar-client.min.js": 5 * 1024, "stellar-client.msgpack.min.js": 7.5 * 1024 };

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const types = (...args) => execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: "inherit" });

rmSync(`${root}/dist`, { recursive: true, force: true });
types("--noEmit");
types("-p", "tsconfig.types.json");
// The declarations must stand by themselves, as a user of the package meets them.
types("-p", "tsconfig.consumer.json");

const common = {
  absWorkingDir: root,
  bundle: true,
  target: "es2022",
  charset: "utf8",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  // Names with a leading underscore are nobody's business outside.
  mangleProps: /^_[a-z]/,
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  banner: { js: `/*! stellar-client ${version} | MIT */` },
};
/**
 * The scripts for pages. Around them is what says what `target` is, see src/browser.ts. They are
 * served under names of the server's choice, so they do not name their maps.
 */
const wrap = {
  sourcemap: "external",
  banner: { js: `${common.banner.js}\n(function(target){` },
  footer: { js: `})(typeof exports=="object"?exports:globalThis);` },
};

for (const variant of ["", ".msgpack"]) {
  const npm = { ...common, entryPoints: [variant ? "src/msgpack.ts" : "src/index.ts"] };
  const page = { ...common, entryPoints: [`src/browser${variant}.ts`], format: "iife", ...wrap };
  const out = (end) => ({ outfile: `dist/stellar-client${variant}${end}` });
  await Promise.all([
    build({ ...npm, ...out(".mjs"), format: "esm" }),
    build({ ...npm, ...out(".cjs"), format: "cjs", platform: "node" }),
    build({ ...page, ...out(".js") }),
    build({ ...page, ...out(".min.js"), minify: true }),
  ]);
}

for (const variant of ["", ".msgpack"]) {
  for (const end of [".js", ".min.js", ".mjs", ".cjs"]) {
    const name = `stellar-client${variant}${end}`;
    const file = `${root}/dist/${name}`;
    const bytes = readFileSync(file);
    const places = bytes.toString().split(token).length - 1;
    if (places !== 1) throw new Error(`${name} holds the settings token ${places} times, not once`);
    const zipped = gzipSync(bytes, { level: 9 }).length;
    const budget = budgets[name];
    console.log(
      `${name.padEnd(32)} ${String(bytes.length).padStart(7)} bytes ${String(zipped).padStart(6)} gzipped` +
        (budget ? ` (at most ${budget})` : ""),
    );
    if (budget && zipped > budget) throw new Error(`${name} is over its budget`);
    // Maps name their sources relative to dist/ and nothing of this machine.
    const map = readFileSync(`${file}.map`, "utf8");
    if (map.includes(root.slice(1))) throw new Error(`${name}.map holds an absolute path`);
    writeFileSync(`${file}.map`, map);
  }
}
