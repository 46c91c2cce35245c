// What is held of the layers: imports of `src`, and the direction of the crates.
import { Modules, readSources } from "./modules.mjs";

/** The layer of a module, by the longest prefix that a layer lists. */
function layerOf(layers, module) {
  let found;
  let longest = -1;
  for (const layer of layers) {
    for (const prefix of layer.modules ?? [layer.name]) {
      if ((module === prefix || module.startsWith(`${prefix}::`)) && prefix.length > longest) {
        (found = layer), (longest = prefix.length);
      }
    }
  }
  return found;
}

/** Every import from one layer to another: `{file, line, path, from, to}`. */
export function imports({ layers }, folder) {
  const sources = readSources(folder);
  const modules = new Modules(sources);
  const found = [];
  const unknown = new Set();
  for (const { file, module, paths } of sources) {
    // The root only re-exports.
    if (module === "") continue;
    const from = layerOf(layers, module);
    if (!from) unknown.add(module);
    for (const path of paths) {
      const target = modules.resolve(module, path);
      if (target === undefined) continue;
      const to = target === "" ? undefined : layerOf(layers, target);
      if (from && to === from) continue;
      found.push({ file, line: path.line, path: path.names.join("::"), from: from?.name, to: to?.name ?? "the root" });
    }
  }
  return { found, unknown: [...unknown].sort() };
}

/** The faults of the layers in a folder of sources, as lines of text. */
export function checkLayers(rules, folder, name = "src") {
  const { layers, exceptions = [] } = rules;
  const rank = new Map(layers.map((layer) => [layer.name, layer.rank]));
  const { found, unknown } = imports(rules, folder);
  const faults = unknown.map((module) => `${name}: the module ${module} is in no layer`);
  const used = new Set();
  for (const { file, line, path, from, to } of found) {
    if (!from || (rank.has(to) && rank.get(to) < rank.get(from))) continue;
    const exception = exceptions.find((known) => known.file === file && known.to === to);
    if (exception) used.add(exception);
    else faults.push(`${name}/${file}:${line}: ${from} → ${to}: ${path}`);
  }
  for (const exception of exceptions) {
    if (!used.has(exception)) faults.push(`the exception ${exception.file} → ${exception.to} is not needed`);
  }
  return faults;
}

/** The faults of the crates' direction, as lines of text. `packages` are those of `cargo metadata`. */
export function checkCrates({ crates }, packages) {
  const faults = [];
  const members = new Map(packages.map((it) => [it.name, it]));
  // What a crate of the workspace depends on, those of its dependencies included.
  const reach = (name, path = [name], seen = new Map()) => {
    for (const { name: next, kind } of members.get(name)?.dependencies ?? []) {
      if (kind === "dev" || seen.has(next)) continue;
      seen.set(next, [...path, next]);
      reach(next, [...path, next], seen);
    }
    return seen;
  };
  for (const { name, dependencies } of packages.filter(({ name }) => name.startsWith("stellarfw"))) {
    const rule = crates[name];
    if (!rule) {
      faults.push(`the crate ${name} has no rule`);
      continue;
    }
    for (const { name: next, kind } of dependencies) {
      if (kind === "dev" || !members.has(next) || rule.knows.includes(next)) continue;
      faults.push(`${name} → ${next}: it may know ${rule.knows.join(", ") || "none"}`);
    }
    for (const next of rule.knows) {
      const isKnown = dependencies.some((it) => it.name === next && it.kind !== "dev");
      if (!isKnown) faults.push(`${name} does not depend on ${next}, which its rule allows`);
    }
    for (const [next, path] of reach(name)) {
      if (rule.without?.includes(next)) faults.push(`${path.join(" → ")}: ${name} must do without ${next}`);
    }
  }
  for (const name of Object.keys(crates)) {
    if (!members.has(name)) faults.push(`there is no crate ${name}`);
  }
  return faults;
}
