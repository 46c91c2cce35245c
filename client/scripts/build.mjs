// Builds dist/: the parts of the script that the server assembles, and the files of the npm package.
// The build is reproducible: a rebuild of committed sources changes nothing.
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
/** Maximum gzipped size of the served script: engines, codec, bytes. */
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

/** The package's entry points, with their names in dist/. */
const entries = {
  index: "stellar-client",
  msgpack: "stellar-client.msgpack",
  react: "react",
  vue: "vue",
};

/**
 * Writes a declaration file for each entry point, and one for their shared declarations.
 *
 * A class that two files declare would be two types. ES modules and CommonJS get separate files, with
 * the extensions that each resolves.
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
// Compiles the declarations as a user of the package does, without the sources.
types("-p", "tsconfig.consumer.json");

const common = {
  absWorkingDir: root,
  bundle: true,
  target: "es2022",
  charset: "utf8",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  // Names with a leading underscore are private.
  mangleProps: /^_[a-z]/,
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
};
const files = {
  ...common,
  // These files are not minified, and a bundler generates its own map.
  sourcemap: false,
  define: { $settings: "{}" },
  packages: "external",
  banner: { js: `/*! stellar-client ${version} | MIT */` },
};
// The assembled script refers to the map that the server assembles.
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
    // The builds for Node load the package ws with an import that bundlers resolve.
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

// A second minifier reduces each script by about another twentieth.
for (const name of names) {
  const file = `${root}/dist/page/${name}.min.js`;
  const { code, map } = await minify(readFileSync(file, "utf8"), {
    ecma: 2020,
    // Each part stays a function: all parts share one scope in the assembled script.
    compress: {
      ...{ passes: 4, inline: 1 },
      // Repetition compresses better than shorter code.
      ...{ hoist_funs: true, lhs_constants: false, reduce_funcs: false },
    },
    sourceMap: { content: readFileSync(`${file}.map`, "utf8"), includeSources: true },
  });
  if (!/^\(\(\)=>\{.*\}\)\(\);$/s.test(code)) throw new Error(`${name}.min.js is no function`);
  writeFileSync(file, `${code}\n`);
  writeFileSync(`${file}.map`, `${map}\n`);
}

// Maps must not contain paths of the build machine.
for (const name of names) {
  for (const end of [".js.map", ".min.js.map"]) {
    const map = readFileSync(`${root}/dist/page/${name}${end}`, "utf8");
    if (map.includes(root.slice(1))) throw new Error(`${name}${end} holds an absolute path`);
  }
}
// Measures each script with the text that the server adds.
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
