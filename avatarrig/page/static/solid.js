// The skeleton that can be turned: offered where the browser can draw it, loaded when asked for.

import { byId, choose } from "./common.js";

export class Solid {
  constructor() {
    this.bones = [];
    this.drawn = "";
    this.skeleton = null;
    this.wanted = false;
    choose("solid", (answer) => this.want(answer === "yes"));
    if (document.createElement("canvas").getContext("webgl2")) byId("solid-choice").hidden = false;
  }

  take(bones) {
    this.bones = bones;
    this.show();
  }

  async want(wanted) {
    this.wanted = wanted;
    for (const id of ["figure", "figure-words"]) byId(id).hidden = wanted;
    for (const id of ["solid", "solid-words"]) byId(id).hidden = !wanted;
    if (wanted && !this.skeleton) {
      const { Skeleton3D } = await import("./skeleton3d.js");
      this.skeleton = new Skeleton3D(byId("solid"));
      this.askForAvatar();
    }
    this.show();
  }

  /** The avatar that was fitted to the person, where there is one. */
  async askForAvatar() {
    const query = new URLSearchParams({ name: byId("name").dataset.name });
    const answer = await fetch(`/avatar.mesh?${query}`).catch(() => null);
    if (answer?.status !== 200) return;
    this.skeleton.takeAvatar(await answer.arrayBuffer());
    const file = decodeURIComponent(answer.headers.get("X-Avatar"));
    byId("solid-words").append(` With it: ${file}, the avatar that was fitted to it.`);
  }

  show() {
    const now = JSON.stringify(this.bones.map(({ key, value, interval, status, average }) => [key, value, interval, status, average]));
    if (!this.wanted || !this.skeleton || now === this.drawn) return;
    this.drawn = now;
    this.skeleton.show(this.bones);
    const words = this.bones.filter((bone) => bone.average).map((bone) => {
      const apart = Math.round(100 * (bone.value / bone.average - 1));
      return `${bone.label} ${bone.value.toFixed(2)}, ${apart >= 0 ? "+" : "−"}${Math.abs(apart)} % against the average`;
    });
    this.skeleton.say(`Skeleton in three dimensions: ${words.join("; ")}`);
  }
}
