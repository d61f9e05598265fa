// Each ratio over time, drawn by uPlot: a line, the band of its interval, a dashed window.

import { make, say } from "./common.js";

const HEIGHT = 190;
const MOST_POINTS = 2000;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Writes times as finely as the ticks are apart. */
function times(_, ticks, __, ___, apart) {
  const parts = apart < 60 ? { hour: "2-digit", minute: "2-digit", second: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
  return ticks.map((tick) => {
    const date = new Date(tick * 1000);
    return apart < 86400 ? date.toLocaleTimeString([], { ...parts, hour12: false }) : date.toLocaleDateString([], { day: "numeric", month: "short" });
  });
}

function options(width) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false } },
    scales: { y: { range: (_, low, high) => { const room = Math.max((high - low) * 0.1, 0.01); return [low - room, high + room]; } } },
    axes: [{ ...axis, space: 80, values: times }, { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => tick.toFixed(2)) }],
    series: [
      {},
      { stroke: colour("--accent"), width: 2, points: { show: false } },
      { stroke: "transparent", points: { show: false } },
      { stroke: "transparent", points: { show: false } },
      { stroke: colour("--left"), width: 2, dash: [5, 4], points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: colour("--band") }],
  };
}

export class Charts {
  constructor(place) {
    this.place = place;
    this.at = [];
    this.ratios = new Map();
    this.charts = new Map();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    new ResizeObserver(() => this.resize()).observe(place);
  }

  /** Takes in history: all of it, or what is new. */
  take(history, labels) {
    if (history.anew) {
      this.at = [];
      this.ratios.clear();
    }
    if (history.at.length === 0 && !history.anew) return;
    const before = this.at.length;
    this.at.push(...history.at);
    for (const [key, points] of Object.entries(history.ratios)) {
      if (!this.ratios.has(key)) this.ratios.set(key, Array(before).fill([null, null, null, null]));
      this.ratios.get(key).push(...points);
    }
    this.thinOut();
    for (const [key, label] of Object.entries(labels)) if (this.ratios.has(key)) this.show(key, label);
  }

  thinOut() {
    if (this.at.length <= MOST_POINTS) return;
    const half = this.at.length >> 1;
    const keep = (_, place) => place >= half || place % 2 === 0;
    this.at = this.at.filter(keep);
    for (const [key, points] of this.ratios) this.ratios.set(key, points.filter(keep));
  }

  data(key) {
    const points = this.ratios.get(key);
    return [this.at, ...[0, 1, 2, 3].map((part) => points.map((point) => point[part]))];
  }

  show(key, label) {
    const last = this.ratios.get(key).at(-1);
    if (!last || last[0] === null) return;
    const words = `${last[0].toFixed(3)} (${last[1].toFixed(3)} – ${last[2].toFixed(3)})`;
    if (!this.charts.has(key)) {
      const canvas = make("div", { role: "img" });
      const figure = make("figure", { class: "card" }, make("figcaption", {}, label, make("span", {})), canvas);
      this.place.append(figure);
      this.charts.set(key, { figure, canvas, plot: null });
    }
    const chart = this.charts.get(key);
    say(chart.figure.querySelector("span"), words);
    const from = this.ratios.get(key).find((point) => point[0] !== null);
    chart.canvas.setAttribute("aria-label", `${label} over time: from ${from[0].toFixed(3)} to ${last[0].toFixed(3)} in ${this.at.length} points`);
    if (chart.plot) chart.plot.setData(this.data(key));
    else this.draw(key, chart);
  }

  draw(key, chart) {
    chart.plot?.destroy();
    chart.plot = new window.uPlot(options(chart.canvas.clientWidth || 300), this.data(key), chart.canvas);
  }

  redraw() {
    for (const [key, chart] of this.charts) this.draw(key, chart);
  }

  resize() {
    for (const { canvas, plot } of this.charts.values()) {
      if (plot && canvas.clientWidth && canvas.clientWidth !== plot.width) plot.setSize({ width: canvas.clientWidth, height: HEIGHT });
    }
  }
}
