// Checks the links between the documents. Every link leads to a file or folder of this project, and
// to a heading if it names one. Every page in docs/ is the target of a link, so that readers can find
// it. Addresses on the web are not checked.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0");
const documents = [
  ...new Set(git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md")),
].filter((path) => path && existsSync(join(root, path)));

/** A document without its code, in which a bracket is no link. */
const prose = (text) =>
  text.replace(/^(```+|~~~+)[\s\S]*?^\1/gm, "").replace(/(`+)[^`][\s\S]*?\1/g, "");

/** The names that a document's headings can be linked by. */
function anchors(text) {
  const seen = new Map();
  const found = new Set([...text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id));
  for (const [, heading] of text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const name = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    found.add(before ? `${name}-${before}` : name);
  }
  return found;
}

let links = 0;
const broken = [];
const linked = new Set();
for (const path of documents) {
  const text = readFileSync(join(root, path), "utf8");
  const targets = [
    ...prose(text).matchAll(/\]\(\s*<?([^\s)>]+)>?(?:\s+["'][^)]*)?\s*\)/g),
    ...prose(text).matchAll(/^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm),
    ...text.matchAll(/<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]+)"/g),
  ].map(([, target]) => target);
  for (const target of targets) {
    // The web, and what rustdoc resolves and checks itself.
    if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith("//") || target.includes("::")) continue;
    links++;
    const [file, anchor] = decodeURI(target).split("#");
    const full = file ? normalize(join(root, file.startsWith("/") ? "" : dirname(path), file)) : join(root, path);
    if (full !== join(root, path)) linked.add(full);
    if (!existsSync(full)) broken.push(`${path}: ${target} is not there`);
    else if (anchor && full.endsWith(".md") && !statSync(full).isDirectory()) {
      if (!anchors(readFileSync(full, "utf8")).has(anchor)) {
        broken.push(`${path}: ${target} names a heading that is not there`);
      }
    }
  }
}
for (const path of documents) {
  if (path.startsWith("docs/") && !linked.has(join(root, path))) broken.push(`${path}: no document links to it`);
}
for (const fault of broken) console.log(fault);
console.log(`${documents.length} documents, ${links} links, ${broken.length} broken`);
process.exitCode = broken.length ? 1 : 0;
