// How each ratio firms up, drawn by uPlot: a line, the band of its interval, a dashed window.

import { make, photos, say } from "./common.js";

const HEIGHT = 170;
const MOST_POINTS = 2000;
const FEW = 30; // points that are drawn as dots with their interval, since few make no band

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Writes times as finely as the ticks are apart. */
function times(_, ticks, __, ___, apart) {
  const parts = apart < 60 ? { hour: "2-digit", minute: "2-digit", second: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
  return ticks.map((tick) => {
    const date = new Date(tick * 1000);
    return apart < 86400 ? date.toLocaleTimeString([], { ...parts, hour12: false }) : date.toLocaleDateString([], { day: "numeric", month: "short" });
  });
}

/** Writes numbers of photos; there is no half a photo. */
const counts = (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? tick.toLocaleString() : ""));

/** Draws each point's interval as an upright line, where a band would hardly be seen. */
function drawIntervals(plot) {
  const [at, , low, high] = plot.data;
  if (at.length > FEW) return;
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = colour("--accent");
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash([]);
  at.forEach((place, number) => {
    if (low[number] === null) return;
    const x = plot.valToPos(place, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, plot.valToPos(low[number], "y", true));
    ctx.lineTo(x, plot.valToPos(high[number], "y", true));
    ctx.stroke();
  });
  ctx.restore();
}

/** Leaves room around the first and the last point, and around a single one. */
function room(byTime) {
  return (_, low, high) => {
    const least = byTime ? 30 : 0.5;
    const beside = Math.max((high - low) * 0.03, low === high ? least : 0);
    return [low - beside, high + beside];
  };
}

function options(width, byTime) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const dots = { show: (plot) => plot.data[0].length <= FEW, size: 7, fill: colour("--accent") };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false } },
    scales: {
      x: { time: byTime, range: room(byTime) },
      y: { range: (_, low, high) => { const beside = Math.max((high - low) * 0.1, 0.01); return [low - beside, high + beside]; } },
    },
    axes: [{ ...axis, size: 28, space: byTime ? 80 : 48, values: byTime ? times : counts }, { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => tick.toFixed(2)) }],
    series: [
      {},
      { stroke: colour("--accent"), width: 2, points: dots },
      { stroke: "transparent", points: { show: false } },
      { stroke: "transparent", points: { show: false } },
      { stroke: colour("--soft"), width: 2, dash: [5, 4], points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: colour("--band") }],
    hooks: { draw: [drawIntervals] },
  };
}

const written = ([value, low, high]) => `${value.toFixed(3)} (${low.toFixed(3)} – ${high.toFixed(3)})`;

export class Charts {
  constructor(place) {
    this.place = place;
    this.at = [];
    this.used = [];
    this.byTime = false;
    this.ratios = new Map();
    this.charts = new Map();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    new ResizeObserver(() => this.resize()).observe(place);
  }

  /** Takes in history: all of it, or what is new. */
  take(history, labels) {
    if (history.anew) {
      this.at = [];
      this.used = [];
      this.ratios.clear();
    }
    if (history.at.length === 0 && !history.anew) return;
    const before = this.at.length;
    this.at.push(...history.at);
    this.used.push(...history.used);
    for (const [key, points] of Object.entries(history.ratios)) {
      if (!this.ratios.has(key)) this.ratios.set(key, Array(before).fill([null, null, null, null]));
      this.ratios.get(key).push(...points);
    }
    this.thinOut();
    for (const [key, label] of Object.entries(labels)) if (this.ratios.has(key)) this.show(key, label);
  }

  /** Chooses what runs across: the photos that count, or the time of the estimate. */
  across(what) {
    this.byTime = what === "time";
    this.redraw();
  }

  thinOut() {
    if (this.at.length <= MOST_POINTS) return;
    const half = this.at.length >> 1;
    const keep = (_, place) => place >= half || place % 2 === 0;
    this.at = this.at.filter(keep);
    this.used = this.used.filter(keep);
    for (const [key, points] of this.ratios) this.ratios.set(key, points.filter(keep));
  }

  data(key) {
    const points = this.ratios.get(key);
    const places = this.places();
    const across = this.byTime ? this.at : this.used;
    return [places.map((place) => across[place]), ...[0, 1, 2, 3].map((part) => places.map((place) => points[place][part]))];
  }

  /** Which points are drawn, from left to right: of those with equally many photos the latest. */
  places() {
    const all = [...this.at.keys()];
    if (this.byTime) return all;
    const latest = new Map(all.map((place) => [this.used[place], place]));
    return [...latest.values()].sort((one, other) => this.used[one] - this.used[other]);
  }

  show(key, label) {
    const points = this.ratios.get(key);
    const last = points.at(-1);
    if (!last || last[0] === null) return;
    if (!this.charts.has(key)) {
      const canvas = make("div", { role: "img" });
      const figure = make("figure", { class: "card" }, make("figcaption", {}, label), canvas, make("p", { class: "words" }));
      this.place.append(figure);
      this.charts.set(key, { figure, canvas, plot: null });
    }
    const chart = this.charts.get(key);
    const begin = points.findIndex((point) => point[0] !== null);
    const first = `first ${written(points[begin])} with ${photos(this.used[begin])}`;
    const now = `now ${written(last)} with ${photos(this.used.at(-1))}`;
    say(chart.figure.querySelector(".words"), begin === points.length - 1 ? now : `${first}, ${now}`);
    chart.canvas.setAttribute("aria-label", `${label}: ${first}, ${now}`);
    if (chart.plot) chart.plot.setData(this.data(key));
    else this.draw(key, chart);
  }

  draw(key, chart) {
    chart.plot?.destroy();
    chart.plot = new window.uPlot(options(chart.canvas.clientWidth || 300, this.byTime), this.data(key), chart.canvas);
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
