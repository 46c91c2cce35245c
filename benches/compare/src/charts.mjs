// Renders charts as SVG, once per theme.
import { shown } from "./figures.mjs";

export const themes = {
  light: {
    ground: "#ffffff", text: "#1a1d33", faint: "#5a607e", line: "#d5d8ea",
    ours: "#5560a8", other: "#b9bed8", second: "#9a6b00",
  },
  dark: {
    ground: "#0f1220", text: "#e8eaf6", faint: "#a3a9c9", line: "#2b3157",
    ours: "#8f9bd8", other: "#454c7a", second: "#f2c14e",
  },
};

const escape = (text) =>
  String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

function text(x, y, words, fill, { anchor = "start", size = 12, weight = 400 } = {}) {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}" font-weight="${weight}" fill="${fill}">${escape(words)}</text>`;
}

function svg(width, height, title, theme, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" role="img" aria-label="${escape(title)}">`,
    `<rect width="${width}" height="${height}" fill="${theme.ground}"/>`,
    text(20, 28, title, theme.text, { size: 15, weight: 600 }),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/**
 * Renders `bars`: `{title, value, upTo, ours}`, cheapest first. A line extends the bar to `upTo`. The
 * title contains the unit.
 */
export function barChart(title, unit, bars, theme) {
  const [width, left, step, top] = [760, 265, 26, 50];
  const sorted = bars.filter(({ value }) => value > 0).sort((a, b) => a.value - b.value);
  const most = Math.max(...sorted.map(({ value, upTo = value }) => upTo));
  const room = width - left - (sorted.some(({ upTo }) => upTo) ? 130 : 90);
  const parts = sorted.flatMap(({ title: name, value, upTo = value, ours }, index) => {
    const y = top + index * step;
    const [long, end] = [value, upTo].map((length) => Math.max(1, Math.round((length / most) * room)));
    return [
      text(left - 10, y + 14, name, ours ? theme.text : theme.faint, { anchor: "end", weight: ours ? 600 : 400 }),
      `<rect x="${left}" y="${y + 2}" width="${long}" height="${step - 8}" rx="3" fill="${ours ? theme.ours : theme.other}"/>`,
      ...(end > long
        ? [`<path d="M${left + long} ${y + 11}H${left + end}m0 -5v10" fill="none" stroke="${theme.faint}" stroke-width="1.5"/>`]
        : []),
      text(left + end + 8, y + 14, upTo > value ? `${shown(value)} – ${shown(upTo)}` : shown(value), theme.text),
    ];
  });
  return svg(width, top + sorted.length * step + 14, `${title}, ${unit}`, theme, parts);
}

/** Returns the next round number. */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((step) => step * power >= value);
  return Number((step * power).toPrecision(2));
}

/** Renders `curves`: `{title, points: [[x, y], …], ours}`, with equidistant values of x. */
export function curveChart(title, unit, below, curves, theme) {
  const [width, height, left, right, top, bottom] = [760, 320, 60, 130, 56, 56];
  const xs = [...new Set(curves.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const tick = roundUp(1.1 * Math.max(...curves.flatMap(({ points }) => points.map(([, y]) => y))) / 4);
  const most = 4 * tick;
  const at = (x) => left + (xs.indexOf(x) / Math.max(1, xs.length - 1)) * (width - left - right);
  const up = (y) => height - bottom - (y / most) * (height - top - bottom);
  const parts = [];
  for (const count of [0, 1, 2, 3, 4]) {
    const y = up(count * tick);
    parts.push(`<path d="M${left} ${y}H${width - right}" stroke="${theme.line}"/>`);
    parts.push(text(left - 8, y + 4, String(Number((count * tick).toPrecision(3))), theme.faint, { anchor: "end" }));
  }
  for (const x of xs) {
    parts.push(text(at(x), height - bottom + 20, x.toLocaleString("en"), theme.faint, { anchor: "middle" }));
  }
  parts.push(text((left + width - right) / 2, height - 14, below, theme.faint, { anchor: "middle" }));
  for (const { title: name, points, ours } of curves) {
    const colour = ours ? theme.ours : theme.second;
    const sorted = [...points].sort(([a], [b]) => a - b);
    const way = sorted.map(([x, y], index) => `${index ? "L" : "M"}${at(x).toFixed(1)} ${up(y).toFixed(1)}`);
    parts.push(`<path d="${way.join("")}" fill="none" stroke="${colour}" stroke-width="2.5"/>`);
    for (const [x, y] of sorted) {
      parts.push(`<circle cx="${at(x).toFixed(1)}" cy="${up(y).toFixed(1)}" r="4" fill="${colour}"/>`);
      if (!ours) continue;
      // Avoids other curves and the numbers of the axis.
      const isBelow = curves.some((other) => other.points.some(([there, more]) => there === x && more > y));
      const anchor = x === xs[0] ? "start" : "middle";
      parts.push(text(at(x), up(y) + (isBelow ? 18 : -10), shown(y), theme.text, { anchor }));
    }
    const [, last] = sorted.at(-1);
    parts.push(text(width - right + 12, up(last) + 4, name, colour, { weight: 600 }));
  }
  return svg(width, height, `${title}, ${unit}`, theme, parts);
}
