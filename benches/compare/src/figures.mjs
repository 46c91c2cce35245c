// Computes figures from the lines of results: medians, and ratios within a round.
import { allLoads } from "./loads.mjs";

/** CPU usage of other processes, in per cent of a core, above which a run is reported. */
export const company = 10;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (!sorted.length) return undefined;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const costs = new Map(allLoads.map(({ id, cost }) => [id, cost]));

export class Figures {
  #runs = new Map();
  #facts = {};

  /** `lines` contains runs and other facts. */
  constructor(lines) {
    for (const line of lines) {
      if (line.kind === "run") {
        const key = `${line.load} of ${line.server}`;
        if (!this.#runs.has(key)) this.#runs.set(key, []);
        this.#runs.get(key).push(line);
      } else if (line.kind === "facts") {
        Object.assign(this.#facts, line.facts);
      }
    }
  }

  get facts() {
    return this.#facts;
  }

  #of(load, server) {
    return this.#runs.get(`${load} of ${server}`) ?? [];
  }

  /** Returns the number of rounds in which a load ran. */
  rounds(load) {
    const runs = [...this.#runs.values()].flat().filter((run) => run.load === load);
    return new Set(runs.map(({ round }) => round)).size;
  }

  /** Returns the number of runs, and of those during which others used a tenth of a core. */
  disturbed() {
    const runs = [...this.#runs.values()].flat();
    const others = ({ result }) => (result.around ?? result.connect?.around)?.other_cpu_pct_of_core;
    return { all: runs.length, disturbed: runs.filter((run) => others(run) > company).length };
  }

  /** Returns the median of `pick` over the rounds. Default: the cost. */
  value(load, server, pick = costs.get(load)) {
    const values = this.#of(load, server).map(({ result }) => pick(result));
    return median(values.filter((value) => Number.isFinite(value)));
  }

  /** Returns the median of the ratios to another server, each within one round. */
  ratio(load, server, other, { pick = costs.get(load), otherLoad = load } = {}) {
    const base = new Map(this.#of(otherLoad, other).map(({ round, result }) => [round, pick(result)]));
    const ratios = this.#of(load, server)
      .filter(({ round }) => base.get(round) > 0)
      .map(({ round, result }) => pick(result) / base.get(round));
    return median(ratios);
  }

  has(load, server) {
    return this.#of(load, server).length > 0;
  }
}

/** Formats a figure with three digits. */
export function shown(value) {
  if (value === undefined || !Number.isFinite(value)) return "";
  if (value !== 0 && Math.abs(value) < 0.01) return value.toFixed(4);
  if (Math.abs(value) < 10) return value.toFixed(2);
  if (Math.abs(value) < 100) return value.toFixed(1);
  return Math.round(value).toLocaleString("en");
}
