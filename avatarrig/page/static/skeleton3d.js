// The skeleton as a body that can be turned, drawn by three.js: a bone is as thick as its length is
// in doubt (its radius is half of its 90 % interval), and a pale figure shows the average person.

import {
  AmbientLight, BufferAttribute, BufferGeometry, CapsuleGeometry, Color, DirectionalLight, Group, Line, LineBasicMaterial,
  Mesh, MeshStandardMaterial, PerspectiveCamera, Scene, SphereGeometry, Vector3, WebGLRenderer,
} from "./vendor/three/three.module.min.js";

const THINNEST = 0.016; // shoulder widths, so that a bone by definition is seen
const HEAD = 0.92; // neck and head, which are not estimated, in shoulder widths
const BESIDE_FROM = 480; // pixels; in less the avatar stands below the skeleton
const UP = new Vector3(0, 1, 0);
const TURN = 0.008; // radians a pixel
const STEP = 0.12; // radians a key

const colour = (name) => new Color(getComputedStyle(document.documentElement).getPropertyValue(name).trim());

/** Bones of a T-pose from ratios to the shoulder width: key, side, from and to; y is up. */
function posed(ratio) {
  const top = ratio.torso_length;
  const bones = [{ key: "torso_length", side: "middle", from: [0, 0], to: [0, top] }];
  for (const [key, height] of [["shoulder_width", top], ["hip_width", 0]]) {
    const half = ratio[key] / 2;
    bones.push({ key, side: "middle", from: [-half, height], to: [half, height] });
  }
  for (const [side, sign, letter] of [["left", 1, "L"], ["right", -1, "R"]]) {
    let [x, y] = [(sign * ratio.shoulder_width) / 2, top];
    for (const key of [`upper_arm_${letter}`, `lower_arm_${letter}`]) {
      bones.push({ key, side, from: [x, y], to: [x + sign * ratio[key], y] });
      x += sign * ratio[key];
    }
    [x, y] = [(sign * ratio.hip_width) / 2, 0];
    for (const key of [`upper_leg_${letter}`, `lower_leg_${letter}`]) {
      bones.push({ key, side, from: [x, y], to: [x, y - ratio[key]] });
      y -= ratio[key];
    }
  }
  return bones.filter(({ from, to }) => [...from, ...to].every(Number.isFinite));
}

const name = (point) => point.map((part) => part.toFixed(3)).join();

function limb(bone, radius, material) {
  const from = new Vector3(...bone.from, 0);
  const to = new Vector3(...bone.to, 0);
  const along = to.clone().sub(from);
  const mesh = new Mesh(new CapsuleGeometry(radius, along.length(), 6, 20), material);
  mesh.position.copy(from).addScaledVector(along, 0.5);
  mesh.quaternion.setFromUnitVectors(UP, along.normalize());
  return mesh;
}

export class Skeleton3D {
  constructor(place) {
    this.place = place;
    this.scene = new Scene();
    this.body = new Group();
    this.beside = new Group(); // the fitted avatar, where there is one
    this.scene.add(this.body, this.beside, new AmbientLight(0xffffff, 1.6));
    const light = new DirectionalLight(0xffffff, 2.2);
    light.position.set(2, 4, 6);
    this.scene.add(light);
    this.camera = new PerspectiveCamera(30, 1, 0.1, 100);
    this.renderer = new WebGLRenderer({ alpha: true, antialias: true });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    const canvas = this.renderer.domElement;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    place.replaceChildren(canvas);
    this.turnable(canvas);
    new ResizeObserver(() => this.resize()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.shown && this.show(this.shown));
  }

  turnable(canvas) {
    let last = null;
    canvas.addEventListener("pointerdown", (event) => {
      last = event.clientX;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (last === null) return;
      this.turn((event.clientX - last) * TURN);
      last = event.clientX;
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
      if (!step) return;
      event.preventDefault();
      this.turn(step);
    });
  }

  turn(angle) {
    this.body.rotation.y += angle;
    this.beside.rotation.y += angle;
    this.draw();
  }

  /** Shows bones as the page knows them: key, value, interval, average. */
  show(bones) {
    this.shown = bones;
    this.empty();
    const known = Object.fromEntries(bones.map((bone) => [bone.key, bone]));
    const ratios = Object.fromEntries(bones.map((bone) => [bone.key, bone.value]));
    const average = Object.fromEntries(bones.map((bone) => [bone.key, bone.average]));
    const parts = posed(ratios);
    const ghost = new MeshStandardMaterial({ color: colour("--soft"), transparent: true, opacity: 0.22, depthWrite: false });
    for (const bone of posed(average)) this.body.add(limb(bone, 0.085, ghost));
    const thickest = new Map();
    for (const bone of parts) {
      const { interval, status } = known[bone.key];
      const half = bone.key.endsWith("_width") ? 4 : 2; // a width is drawn as two halves
      const radius = Math.max((interval[1] - interval[0]) / half, THINNEST);
      const sure = status === "stable";
      const material = new MeshStandardMaterial({ color: colour(`--${bone.side}`), roughness: 0.6, transparent: !sure, opacity: sure ? 1 : 0.7, wireframe: status === "insufficient" });
      this.body.add(limb(bone, radius, material));
      for (const point of [bone.from, bone.to]) thickest.set(name(point), Math.max(radius, thickest.get(name(point)) ?? 0));
    }
    const joint = new MeshStandardMaterial({ color: colour("--ink"), roughness: 0.5 });
    const ends = new Map(parts.flatMap(({ from, to }) => [from, to]).map((point) => [name(point), point]));
    for (const [end, point] of ends) {
      const mesh = new Mesh(new SphereGeometry(thickest.get(end) + 0.012, 20, 14), joint);
      mesh.position.set(...point, 0);
      this.body.add(mesh);
    }
    this.frame(parts);
    this.resize();
  }

  /** Puts the figure in the middle of what is seen, on a line that stands for the ground. */
  frame(parts) {
    const points = parts.flatMap(({ from, to }) => [from, to]);
    const heights = points.map(([, y]) => y);
    this.low = Math.min(...heights);
    this.high = Math.max(...heights);
    this.wide = 2 * Math.max(...points.map(([x]) => Math.abs(x)));
    this.apart = 0;
    const ground = new BufferGeometry().setFromPoints([new Vector3(-this.wide / 2, this.low, 0), new Vector3(this.wide / 2, this.low, 0)]);
    if (this.avatar) this.placeAvatar();
    this.body.add(new Line(ground, new LineBasicMaterial({ color: colour("--line") })));
  }

  /** Takes an avatar as the server sends it: number of triangles, corners, colours. */
  takeAvatar(data) {
    const count = new DataView(data).getUint32(0, true);
    const corners = new Float32Array(data, 4, 9 * count);
    const painted = new Uint8Array(data, 4 + 36 * count, 3 * count);
    const colours = new Float32Array(9 * count);
    const mixed = new Color();
    for (let triangle = 0; triangle < count; triangle += 1) {
      mixed.setRGB(...[0, 1, 2].map((part) => painted[3 * triangle + part] / 255), "srgb");
      for (let corner = 0; corner < 3; corner += 1) mixed.toArray(colours, 9 * triangle + 3 * corner);
    }
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(corners, 3));
    geometry.setAttribute("color", new BufferAttribute(colours, 3));
    geometry.computeVertexNormals();
    geometry.computeBoundingBox();
    this.avatar = new Mesh(geometry, new MeshStandardMaterial({ vertexColors: true, roughness: 0.85, side: 2 }));
    this.beside.add(this.avatar);
    if (this.shown) this.show(this.shown);
  }

  /** Puts the avatar beside the skeleton, or below it where there is no room, on the same ground and with its head above the shoulders. */
  placeAvatar() {
    const { min, max } = this.avatar.geometry.boundingBox;
    const tall = this.high + HEAD - this.low;
    const scale = tall / (max.y - min.y);
    this.avatar.scale.setScalar(scale);
    this.avatar.position.set((-scale * (min.x + max.x)) / 2, this.low - scale * min.y, (-scale * (min.z + max.z)) / 2);
    this.stacked = this.place.clientWidth < BESIDE_FROM;
    this.apart = this.stacked ? 0 : (Math.max(this.wide, scale * (max.x - min.x)) * 1.08) / 2;
    const below = this.stacked ? 1.06 * tall : 0;
    this.body.position.x = -this.apart;
    this.beside.position.set(this.apart, -below, 0);
    this.high += HEAD;
    this.low -= below;
  }

  empty() {
    for (const mesh of [...this.body.children]) {
      this.body.remove(mesh);
      mesh.geometry.dispose();
      mesh.material.dispose();
    }
  }

  say(words) {
    this.renderer.domElement.setAttribute("aria-label", words);
  }

  resize() {
    const width = this.place.clientWidth;
    if (!width || !this.shown) return;
    if (this.avatar && this.stacked !== width < BESIDE_FROM) return this.show(this.shown);
    const height = this.avatar && this.stacked ? 2 * width : Math.min(width, 480);
    this.renderer.setSize(width, height);
    this.camera.aspect = width / height;
    const tall = (this.high - this.low) * 1.25;
    const needed = Math.max(tall, ((this.wide + 2 * this.apart) * 1.1) / this.camera.aspect);
    const distance = needed / 2 / Math.tan((this.camera.fov * Math.PI) / 360);
    this.camera.position.set(0, (this.low + this.high) / 2, distance);
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  draw() {
    this.renderer.render(this.scene, this.camera);
  }
}
