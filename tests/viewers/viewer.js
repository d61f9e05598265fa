// Loads one avatar with three.js and three-vrm, shows it from the front without perspective, tells
// what was understood, and moves it.
import * as THREE from "three";
import { DRACOLoader } from "three/addons/loaders/DRACOLoader.js";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";
import { VRMLoaderPlugin } from "@pixiv/three-vrm";

const SIZE = 600;
const BACKGROUND = 0xdd00dd; // no avatar's own colour

const renderer = new THREE.WebGLRenderer({ preserveDrawingBuffer: true });
renderer.setSize(SIZE, SIZE);
document.body.append(renderer.domElement);

const scene = new THREE.Scene();
scene.background = new THREE.Color(BACKGROUND);
scene.add(new THREE.AmbientLight(0xffffff, 1.5));
const sun = new THREE.DirectionalLight(0xffffff, 2);
sun.position.set(1, 2, 3);
scene.add(sun);
let camera, avatar;

function draw() {
  avatar.scene.updateMatrixWorld(true);
  renderer.render(scene, camera);
}

function place(node) {
  return node.getWorldPosition(new THREE.Vector3()).toArray();
}

/** Loads a file; tall: how much of the scene is shown, in its own unit. */
window.load = async (url, tall) => {
  const loader = new GLTFLoader();
  const draco = new DRACOLoader();
  draco.setDecoderPath("/node_modules/three/examples/jsm/libs/draco/gltf/");
  loader.setDRACOLoader(draco);
  loader.setMeshoptDecoder(MeshoptDecoder);
  loader.register((parser) => new VRMLoaderPlugin(parser));
  avatar = await loader.loadAsync(url);
  const vrm = avatar.userData.vrm;
  if (vrm?.meta.metaVersion === "0") avatar.scene.rotation.y = Math.PI; // it faces the other way
  scene.add(avatar.scene);
  avatar.scene.traverse((thing) => { thing.frustumCulled = false; });
  const half = tall / 2;
  camera = new THREE.OrthographicCamera(-half, half, half, -half, 0.01, 100 * tall);
  camera.position.set(0, 0.46 * tall, 10 * tall);
  draw();
  const bones = {};
  for (const name of Object.keys(vrm?.humanoid.humanBones ?? {})) {
    bones[name] = place(vrm.humanoid.getRawBoneNode(name));
  }
  const named = {};
  avatar.scene.traverse((thing) => { if (thing.isBone) named[thing.name] = place(thing); });
  return {
    version: vrm?.meta.metaVersion ?? null,
    bones,
    named,
    expressions: vrm?.expressionManager?.expressions.map((one) => one.expressionName) ?? [],
    springs: vrm?.springBoneManager?.joints.size ?? 0,
    clips: avatar.animations.length,
  };
};

/** Lets the arms hang, raises a leg, opens the mouth, and lets springs settle. */
window.move = () => {
  const vrm = avatar.userData.vrm;
  const turn = (name, axis, angle) => {
    const node = vrm.humanoid.getNormalizedBoneNode(name);
    if (node) node.rotation[axis] = angle;
  };
  turn("leftUpperArm", "z", -1.1);
  turn("rightUpperArm", "z", 1.1);
  turn("leftLowerArm", "y", -1.2);
  turn("leftUpperLeg", "x", 0.8);
  turn("leftLowerLeg", "x", -0.9);
  vrm.expressionManager?.setValue("aa", 1);
  for (let step = 0; step < 30; step += 1) vrm.update(1 / 30);
  draw();
};

/** Shows the first clip at some second. */
window.play = (second) => {
  const mixer = new THREE.AnimationMixer(avatar.scene);
  mixer.clipAction(avatar.animations[0]).play();
  mixer.update(second);
  draw();
  const named = {};
  avatar.scene.traverse((thing) => { if (thing.isBone) named[thing.name] = place(thing); });
  return named;
};

window.ready = true;
