// Draws the layers of src and the crates from the rules that the check reads.

const themes = {
  light: { back: "#ffffff", fill: "#eef0fb", line: "#5560a8", text: "#1a1d33", crate: "#fbf4e4", edge: "#9a6b00" },
  dark: { back: "#12141f", fill: "#1d2136", line: "#8f9bff", text: "#e9ebff", crate: "#2a2416", edge: "#f0b429" },
};
const width = 760;
const margin = 20;
const gap = 10;

const escape = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

/** Breaks a text into lines of at most so many signs. */
function wrap(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line && line.length + word.length >= most) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines;
}

/** The rows of layers, from the top: those of one rank stand side by side. */
function layerRows(layers) {
  const ranks = [...new Set(layers.map(({ rank }) => rank))].sort((a, b) => b - a);
  return ranks.map((rank) => layers.filter((layer) => layer.rank === rank));
}

/** The rows of crates, from the top: each stands above all that it knows. */
export function crateRows(crates) {
  const depths = new Map();
  const depth = (name) => {
    if (!depths.has(name)) depths.set(name, Math.max(-1, ...crates[name].knows.map(depth)) + 1);
    return depths.get(name);
  };
  const rows = [];
  for (const name of Object.keys(crates)) (rows[depth(name)] ??= []).push(name);
  return rows.reverse();
}

/** The crates that a crate knows, but for those that it knows through another one, too. */
export function direct(crates, name) {
  const reaches = (from, to) => crates[from].knows.some((next) => next === to || reaches(next, to));
  return crates[name].knows.filter((to) => !crates[name].knows.some((other) => other !== to && reaches(other, to)));
}

/** The picture as SVG, in one of the themes. */
export function draw({ layers, crates }, theme) {
  const { back, fill, line, text, crate, edge } = themes[theme];
  const parts = [];
  const label = (x, y, size, content, more = "") =>
    parts.push(`<text x="${x}" y="${y}" font-size="${size}" fill="${text}"${more}>${escape(content)}</text>`);
  const title = (y, content) => label(margin, y, 15, content, ' font-weight="600"');
  const columns = (count) => (width - 2 * margin - gap * (count - 1)) / count;

  let y = 34;
  title(y, "The layers of src: each knows only those below it");
  y += 14;
  for (const row of layerRows(layers)) {
    const size = columns(row.length);
    const texts = row.map(({ what }) => wrap(what.replace(/`/g, ""), Math.floor((size - 24) / 6.4)));
    const height = 32 + 16 * Math.max(...texts.map((lines) => lines.length));
    row.forEach(({ name }, at) => {
      const x = margin + at * (size + gap);
      parts.push(`<rect x="${x}" y="${y}" width="${size}" height="${height}" rx="8" fill="${fill}" stroke="${line}"/>`);
      label(x + 12, y + 21, 14, name, ' font-weight="600"');
      texts[at].forEach((content, row) => label(x + 12, y + 39 + 16 * row, 12, content, ' opacity="0.85"'));
    });
    y += height + gap;
  }

  y += 30;
  title(y, "The crates: an arrow leads to what a crate depends on");
  y += 14;
  const places = new Map();
  const height = 34;
  const edges = parts.length;
  const short = (name) => name.replace(/^stellarfw-/, "");
  for (const row of crateRows(crates)) {
    const size = Math.min(170, columns(row.length));
    const start = (width - row.length * size - (row.length - 1) * gap) / 2;
    row.forEach((name, at) => {
      const x = start + at * (size + gap);
      places.set(name, { x: x + size / 2, y });
      parts.push(`<rect x="${x}" y="${y}" width="${size}" height="${height}" rx="8" fill="${crate}" stroke="${edge}"/>`);
      label(x + size / 2, y + 22, 13, short(name), ' text-anchor="middle" font-weight="600"');
    });
    y += height + 34;
  }
  const arrows = Object.keys(crates).flatMap((name) =>
    direct(crates, name).map((to) => {
      const [from, end] = [places.get(name), places.get(to)];
      return `<path d="M${from.x} ${from.y + height} L${end.x} ${end.y - 3}" stroke="${edge}" stroke-width="1.4" fill="none" marker-end="url(#arrow)"/>`;
    }),
  );
  parts.splice(edges, 0, ...arrows);

  const names = layers.map(({ name }) => name).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" font-family="system-ui, sans-serif" role="img" aria-label="${escape(`Layers from the top: ${names}`)}">
<!-- Drawn by scripts/layers.mjs -->
<defs><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="${edge}"/></marker></defs>
<rect width="${width}" height="${y}" fill="${back}"/>
${parts.join("\n")}
</svg>
`;
}
