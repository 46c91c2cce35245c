// Which module a path of a crate leads to.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

import { paths } from "./source.mjs";

/** The module that a file of `src` is: `a/b.rs` and `a/b/mod.rs` are `a::b`, `lib.rs` is the root. */
export function moduleOf(file) {
  const names = file.replace(/\.rs$/, "").split("/");
  if (names.at(-1) === "mod" || names.length === 1 && names[0] === "lib") names.pop();
  return names.join("::");
}

/** The files of a folder of sources, as `{file, module, paths}`. */
export function readSources(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => relative(folder, join(folder, name)).split(sep).join("/"))
    .filter((name) => name.endsWith(".rs"))
    .sort()
    .map((file) => ({ file, module: moduleOf(file), paths: paths(readFileSync(join(folder, file), "utf8")) }));
}

/** Resolves the paths of a crate's sources. */
export class Modules {
  constructor(sources) {
    this.known = new Set(sources.map(({ module }) => module));
    // What the root re-exports: a name, and the module that it comes from.
    this.facade = new Map();
    const root = sources.find(({ module }) => module === "");
    for (const { names, alias, isUse, isPublic } of root?.paths ?? []) {
      if (!isUse || !isPublic || !["self", "crate"].includes(names[0])) continue;
      const module = this.#longest(names.slice(1));
      if (module) this.facade.set(alias ?? names.at(-1), module);
    }
  }

  #longest(names) {
    for (let length = names.length; length > 0; length--) {
      const module = names.slice(0, length).join("::");
      if (this.known.has(module)) return module;
    }
    return "";
  }

  /** The module of this crate that a path in a module leads to; undefined for other crates. */
  resolve(module, { names, inside, isUse }) {
    const here = [...(module ? module.split("::") : []), ...inside];
    let base;
    let rest = [...names];
    if (rest[0] === "crate") (base = []), rest.shift();
    else if (rest[0] === "self" || rest[0] === "super") {
      base = [...here];
      while (rest[0] === "self" || rest[0] === "super") if (rest.shift() === "super") base.pop();
    } else if (isUse && this.known.has([...here, rest[0]].join("::"))) base = here;
    else return undefined;
    if (base.length === 0 && this.facade.has(rest[0]) && !this.known.has(rest[0])) return this.facade.get(rest[0]);
    return this.#longest([...base, ...rest]) || (base.length ? base.join("::") : "");
  }
}
