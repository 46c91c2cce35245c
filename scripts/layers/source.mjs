// Reads the paths that a Rust source names. Not a parser of Rust: it knows comments, texts, braces
// and `use` trees, which is all that paths need.

/** The source with comments and the contents of literals blanked, at the same offsets. */
export function blank(source) {
  const out = source.split("");
  const erase = (from, to) => {
    for (let at = from; at < to; at++) if (out[at] !== "\n") out[at] = " ";
  };
  const rules = [
    [/\/\/[^\n]*/y, 0],
    [/b?r(#*)"[^]*?"\1/y, 0],
    [/b?c?"(?:\\[^]|[^"\\])*"/y, 0],
    [/b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])'/y, 0],
  ];
  for (let at = 0; at < source.length; ) {
    if (source.startsWith("/*", at)) {
      const start = at;
      let depth = 0;
      do {
        if (source.startsWith("/*", at)) (depth++, (at += 2));
        else if (source.startsWith("*/", at)) (depth--, (at += 2));
        else at++;
      } while (depth && at < source.length);
      erase(start, at);
      continue;
    }
    // A letter before it makes `r` or `b` the end of a name.
    const inName = /\w/.test(source[at - 1] ?? "") && /[a-z]/.test(source[at]);
    const match = inName ? null : rules.map(([rule]) => ((rule.lastIndex = at), rule.exec(source))).find(Boolean);
    if (match) {
      erase(at, at + match[0].length);
      at += match[0].length;
    } else at++;
  }
  return out.join("");
}

/** The offset behind the bracket that closes the one at an offset. */
function behind(text, at) {
  const pairs = { "{": "}", "(": ")", "[": "]" };
  const open = text[at];
  const close = pairs[open];
  let depth = 0;
  for (; at < text.length; at++) {
    if (text[at] === open) depth++;
    else if (text[at] === close && --depth === 0) return at + 1;
  }
  return at;
}

/** The text without what only tests and documentation tests compile. */
export function withoutTests(text) {
  const attribute = /#\[cfg\((?:all\()?(?:test|doctest)\b[^\]]*\]/g;
  let out = text;
  for (let match; (match = attribute.exec(out)); ) {
    let end = match.index + match[0].length;
    // The item ends with its block or its semicolon, whichever comes first.
    while (end < out.length && out[end] !== ";" && out[end] !== "{") {
      end = out[end] === "(" || out[end] === "[" ? behind(out, end) : end + 1;
    }
    end = out[end] === "{" ? behind(out, end) : end + 1;
    const gone = out.slice(match.index, end).replace(/[^\n]/g, " ");
    out = out.slice(0, match.index) + gone + out.slice(end);
  }
  return out;
}

/** The paths of a `use` tree, each as a list of names, and the offset behind it. */
function useTree(text, at, prefix, paths) {
  const names = [...prefix];
  let alias;
  const token = /\s*(::|\{|\}|,|;|\*|\bas\s+\w+|r#\w+|\w+)/y;
  for (;;) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match) return at;
    const [, found] = match;
    const start = token.lastIndex - found.length;
    if (found === "{") {
      at = token.lastIndex;
      for (;;) {
        at = useTree(text, at, names, paths);
        if (text[at] === ",") at++;
        else return text[at] === "}" ? skip(text, at + 1) : at;
      }
    }
    if (found === "}" || found === "," || found === ";") {
      if (names.length > prefix.length) paths.push({ names, alias, at: start });
      return start;
    }
    if (/^as\s/.test(found)) alias = found.split(/\s+/)[1];
    else if (found !== "::") names.push(found.replace("r#", ""));
    at = token.lastIndex;
  }
}

const skip = (text, at) => at + text.slice(at).match(/^\s*/)[0].length;

/**
 * The paths in a source: names, the inline modules around them, and the line. Those of visibilities
 * are none: `pub(in crate::a)` brings nothing in.
 */
export function paths(source) {
  const text = withoutTests(blank(source));
  const found = [];
  const modules = [];
  let depth = 0;
  const token = /\{|\}|\bmod\s+(\w+)\s*\{|\buse\s|\bin\s+(?:crate|super|self)\b[\w:\s]*\)|\b(?:r#)?[A-Za-z_]\w*(?:\s*::\s*(?:r#)?[A-Za-z_]\w*)+/g;
  const line = (at) => source.slice(0, at).split("\n").length;
  for (let match; (match = token.exec(text)); ) {
    const [whole, module] = match;
    if (module) modules.push({ name: module, depth: depth++ });
    else if (whole === "{") depth++;
    else if (whole === "}") {
      if (modules.at(-1)?.depth === --depth) modules.pop();
    } else if (/^use\s$/.test(whole)) {
      const tree = [];
      token.lastIndex = useTree(text, token.lastIndex, [], tree);
      const isPublic = /\bpub\s*(\([^)]*\)\s*)?$/.test(text.slice(0, match.index));
      for (const { names, alias, at } of tree) {
        found.push({ names, alias, inside: modules.map(({ name }) => name), line: line(at), isUse: true, isPublic });
      }
    } else if (!whole.startsWith("in ") && !/^in\s/.test(whole)) {
      const names = whole.split("::").map((name) => name.trim().replace("r#", ""));
      found.push({ names, inside: modules.map(({ name }) => name), line: line(match.index), isUse: false });
    }
  }
  return found;
}
