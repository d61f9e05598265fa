"""What Khronos' validator says of the files, and others' packing of avatars."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.avatar.avatars import JOINTS, Recipe, build, name_of
from support.avatar.fitted import Read
from support.avatar.glb import read_bytes

from avatarrig.avatar.gltf.accessors import read_floats, read_raw
from avatarrig.avatar.gltf.container import Container, write_container
from avatarrig.avatar.gltf.storing import Store
from avatarrig.cli.commands.fit import fit

Node = Callable[..., str]
RECIPES = {
    "mixamo": Recipe(),
    "turned": Recipe(turned=True, twist=True, arms_down=35),
    "centimetres": Recipe(unit=100.0),
    "interleaved": Recipe(interleaved=True),
    "rigid": Recipe(rigid=True),
    "posed": Recipe(posed=True),
    "vrm0": Recipe(vrm="0.x", scheme="vroid"),
    "vrm1": Recipe(vrm="1.0", scheme="none", turned=True),
}


def fitted(avatar: Path, run: Path) -> Path:
    target = avatar.with_name(f"{avatar.stem}-fitted{avatar.suffix}")
    command = [str(avatar), "--run", str(run), "--out", str(target), "--widths", "full"]
    done = CliRunner().invoke(fit, command)
    assert done.exit_code == 0, done.output
    return target


def bones_of(avatar: Read) -> dict[str, int]:
    known = {node.name: number for number, node in enumerate(avatar.gltf.nodes)}
    return {bone: known[name_of(bone, "mixamo")] for bone in JOINTS}


def with_idle_joints(data: bytes) -> bytes:
    """The same where joints that hold nothing are named, and matrices end nearly as they must."""
    whole = read_bytes(data)
    store = Store(whole.document, bytearray(whole.binary))
    attributes = store.document["meshes"][0]["primitives"][0]["attributes"]
    weights = read_floats(store.document, store.binary, attributes["WEIGHTS_0"])
    joints = read_raw(store.document, store.binary, attributes["JOINTS_0"])
    idle = np.where(weights > 0, joints, 3).astype(joints.dtype).tobytes()
    view = store.document["bufferViews"][
        store.document["accessors"][attributes["JOINTS_0"]]["bufferView"]
    ]
    store.binary[view["byteOffset"] : view["byteOffset"] + len(idle)] = idle
    binds = store.document["skins"][0]["inverseBindMatrices"]
    values = read_floats(store.document, store.binary, binds).reshape(-1, 16)
    values[:, 15] = np.nextafter(np.float32(1), np.float32(0))
    store.put(binds, values)
    return write_container(Container(document=store.document, binary=bytes(store.binary)))


def test_exports_are_valid(node: Node, run: Path) -> None:
    files = [run / "skeleton.glb", run / "body.vrm"]
    for line in node("validate.mjs", *files).splitlines():
        found = json.loads(line)
        assert not found["errors"]
        # The validator does not know VRM's extensions.
        assert set(found["warnings"]) <= {"MULTIPLE_EXTENSIONS", "NODE_SKINNED_MESH_NON_ROOT"}


def test_a_fit_brings_nothing_that_is_not_valid(
    node: Node, other_run: Path, tmp_path: Path
) -> None:
    pairs = []
    for name, recipe in RECIPES.items():
        avatar = tmp_path / f"{name}{'.vrm' if recipe.vrm else '.glb'}"
        avatar.write_bytes(build(recipe))
        pairs += [avatar, fitted(avatar, other_run)]
    told = [json.loads(line) for line in node("validate.mjs", *pairs).splitlines()]
    for before, after, file in zip(told[::2], told[1::2], pairs[::2], strict=True):
        for kind in ("errors", "warnings"):
            more = {
                code: count
                for code, count in after[kind].items()
                if count > before[kind].get(code, 0)
            }
            assert not more, file.name


@pytest.mark.parametrize("how", ["draco", "meshopt", "quantize"])
def test_avatars_that_others_have_packed_are_fitted_as_plain_ones(
    node: Node, other_run: Path, tmp_path: Path, how: str
) -> None:
    plain, packed = tmp_path / "plain.glb", tmp_path / f"{how}.glb"
    plain.write_bytes(with_idle_joints(build(Recipe(turned=True))))
    node("pack.mjs", how, plain, packed)
    one, other = (Read(fitted(file, other_run).read_bytes()) for file in (plain, packed))
    assert not set(other.gltf.extensionsUsed) & {
        "KHR_draco_mesh_compression",
        "EXT_meshopt_compression",
    }
    lengths = [read.lengths(bones_of(read)) for read in (one, other)]
    for key, length in lengths[0].items():
        assert lengths[1][key] == pytest.approx(length, rel=0.004), key
    corners = [np.ptp(read.mesh(), axis=0) for read in (one, other)]
    assert corners[1] == pytest.approx(corners[0], rel=0.01)
    both = (packed, tmp_path / f"{how}-fitted.glb")
    before, after = (json.loads(line) for line in node("validate.mjs", *both).splitlines())
    assert not after["errors"]
    assert after["warnings"].keys() <= before["warnings"].keys()
