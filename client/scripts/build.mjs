// Builds dist/: the parts of the script that the server puts together, and the npm package's files.
// The same sources give the same bytes, so a rebuild of committed sources changes nothing.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { rollup } from "rollup";
import dts from "rollup-plugin-dts";
import { minify } from "terser";
import { page } from "./page.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const engines = ["ws", "engine.io", "socket.io", "sockjs"];
/** The largest a script may be as it is served, gzipped: its engines, its codec, the bytes. */
const budgets = [
  [["ws"], "json", 8192],
  [["engine.io"], "json", 9472],
  [["socket.io"], "json", 9984],
  [["sockjs"], "json", 9472],
  [engines, "json", 12288],
  [["ws"], "msgpack", 9984],
  [engines.slice(0, 3), "msgpack", 12288],
];

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const types = (...args) => execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: "inherit" });

/** The package's entry points, and what they are called in dist/. */
const entries = {
  index: "stellar-client",
  msgpack: "stellar-client.msgpack",
  react: "react",
  vue: "vue",
};

/**
 * One file of declarations for each entry point, and one for what they share: a class that was
 * declared in two of them would be two types. Both kinds of modules get their own, with names that
 * each kind can follow.
 */
async function declarations() {
  const emitted = `${root}/.types`;
  rmSync(emitted, { recursive: true, force: true });
  types("-p", "tsconfig.types.json", "--outDir", ".types");
  const bundle = await rollup({
    input: Object.fromEntries(Object.keys(entries).map((entry) => [entry, `${emitted}/${entry}.d.ts`])),
    external: (name) => !/^[./]/.test(name),
    plugins: [dts()],
  });
  const { output } = await bundle.generate({
    format: "es",
    entryFileNames: "[name].d.ts",
    chunkFileNames: "shared.d.ts",
    minifyInternalExports: false,
    manualChunks: (id, { getModuleInfo }) => (getModuleInfo(id).isEntry ? undefined : "shared"),
  });
  await bundle.close();
  rmSync(emitted, { recursive: true });
  mkdirSync(`${root}/dist/types`, { recursive: true });
  for (const { fileName, code } of output) {
    for (const kind of ["mts", "cts"]) {
      const end = kind.replace("ts", "js");
      const text = code.replace(/\bfrom '(\.\/[^']*?)(\.d)?(\.[jt]s)?'/g, `from "$1.${end}"`);
      writeFileSync(`${root}/dist/types/${fileName.replace(/ts$/, kind)}`, text);
    }
  }
}

rmSync(`${root}/dist`, { recursive: true, force: true });
types("--noEmit");
await declarations();
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
};
const files = {
  ...common,
  // They are not minified, and whoever bundles them makes a map of the whole.
  sourcemap: false,
  define: { $settings: "{}" },
  packages: "external",
  banner: { js: `/*! stellar-client ${version} | MIT */` },
};
// The script that is put together names the map that the server puts together.
const parts = { ...common, format: "iife", sourcemap: "external" };
const names = ["core", "msgpack", "ws", "engineio", "socketio", "sockjs", "fallback"];

await Promise.all([
  ...Object.entries(entries).flatMap(([entry, name]) => {
    const outfile = `dist/${name}`;
    const entryPoints = [`src/${entry}.ts`];
    const esm = { ...files, entryPoints, format: "esm" };
    const cjs = {
      ...{ ...files, entryPoints, format: "cjs", platform: "node" },
      define: { ...files.define, "import.meta.url": "__filename" },
    };
    const both = [
      build({ ...esm, outfile: `${outfile}.mjs` }),
      build({ ...cjs, outfile: `${outfile}.cjs` }),
    ];
    if (!name.startsWith("stellar")) return both;
    // For Node there are others, which load the package ws in a way that bundlers follow.
    return [
      ...both,
      build({ ...esm, outfile: `${outfile}.node.mjs`, resolveExtensions: [".node.ts", ".ts"] }),
      build({ ...cjs, outfile: `${outfile}.node.cjs`, resolveExtensions: [".require.ts", ".ts"] }),
    ];
  }),
  ...names.flatMap((name) => {
    const entryPoints = [`src/page/${name}.ts`];
    return [
      build({ ...parts, entryPoints, outfile: `dist/page/${name}.js` }),
      build({ ...parts, entryPoints, outfile: `dist/page/${name}.min.js`, minify: true }),
    ];
  }),
]);

// A second minifier sees what the first left; it brings each script about a twentieth.
for (const name of names) {
  const file = `${root}/dist/page/${name}.min.js`;
  const { code, map } = await minify(readFileSync(file, "utf8"), {
    ecma: 2020,
    // Not beyond the function that each part is: they all come to stand in one.
    compress: {
      ...{ passes: 4, inline: 1 },
      // Repeats pack better than what is shorter by itself.
      ...{ hoist_funs: true, lhs_constants: false, reduce_funcs: false },
    },
    sourceMap: { content: readFileSync(`${file}.map`, "utf8"), includeSources: true },
  });
  if (!/^\(\(\)=>\{.*\}\)\(\);$/s.test(code)) throw new Error(`${name}.min.js is no function`);
  writeFileSync(file, `${code}\n`);
  writeFileSync(`${file}.map`, `${map}\n`);
}

// Maps name their sources relative to dist/ and nothing of this machine.
for (const name of names) {
  for (const end of [".js.map", ".min.js.map"]) {
    const map = readFileSync(`${root}/dist/page/${name}${end}`, "utf8");
    if (map.includes(root.slice(1))) throw new Error(`${name}${end} holds an absolute path`);
  }
}
// With what the server adds to a script of its own.
const banner = `/*! stellar-client ${version} | MIT */`;
const named = "//# sourceMappingURL=stellar-client.min.js.map\n";
let over = 0;
for (const [engines, parser, budget] of budgets) {
  const usual = engines.length < 2 && engines[0] === "ws" && parser === "json";
  const settings = { ...(usual || { transports: engines, parser }), version };
  const bytes = Buffer.from(`${banner}\n${page(engines, { parser, settings })}${named}`);
  const zipped = gzipSync(bytes, { level: 9 }).length;
  if (zipped > budget) over++;
  console.log(
    `${`${engines.join(" ")}, ${parser}`.padEnd(40)} ${String(bytes.length).padStart(6)} bytes ` +
      `${String(zipped).padStart(6)} gzipped (at most ${budget})`,
  );
}
if (over) throw new Error(`${over} of them over the budget`);
