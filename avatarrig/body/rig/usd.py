"""OpenUSD: the armature as a UsdSkel skeleton that moves a figure of thin octahedra, as text.

Schema: https://openusd.org/release/api/usd_skel_page_front.html. Joints are turned along their
bones, as in GLB, and the last ones have an end. Names that USD does not allow in paths stand in
``jointNames`` as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from avatarrig.body.rig.octahedra import axes_of, octahedra
from avatarrig.body.rig.offsets import children_of
from avatarrig.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pxr import Usd

    from avatarrig.body.rig.armature import Armature, Bone

_ROOT: Final = "/figure"
_SKELETON: Final = f"{_ROOT}/armature"
_BONES: Final = f"{_ROOT}/bones"
_CORNERS: Final = 3


def to_usd(armature: Armature) -> bytes:
    """Writes an armature as a ``.usda`` file; the same armature gives the same bytes.

    Raises:
        MissingExtraError: The package usd-core is not installed.
    """
    try:
        from pxr import Usd, UsdGeom, UsdSkel
    except ImportError as error:
        raise MissingExtraError(
            "USD needs usd-core, which is not installed: pip install 'avatarrig[usd]', or pip "
            "install usd-core"
        ) from error

    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    root = UsdSkel.Root.Define(stage, _ROOT)
    stage.SetDefaultPrim(root.GetPrim())
    stage.GetRootLayer().customLayerData = {"unit": armature.unit, "naming": armature.naming}
    _write_skeleton(stage, armature)
    _write_figure(stage, armature)
    text: str = stage.GetRootLayer().ExportToString()
    return text.encode()


def _write_skeleton(stage: Usd.Stage, armature: Armature) -> None:
    from pxr import UsdSkel, Vt

    bones = armature.bones
    leaves = [bone for bone in bones if not children_of(armature, bone)]
    paths = _paths(armature)
    worlds = {bone.vrm: _place(axes_of(bone), bone.head) for bone in bones}
    binds = [worlds[bone.vrm] for bone in bones]
    rests = [
        np.linalg.inv(worlds[bone.parent]) @ worlds[bone.vrm] if bone.parent else worlds[bone.vrm]
        for bone in bones
    ]
    ends = [_place(axes_of(bone), bone.tail) for bone in leaves]
    binds += ends
    rests += [np.linalg.inv(worlds[bone.vrm]) @ end for bone, end in zip(leaves, ends, strict=True)]
    skeleton = UsdSkel.Skeleton.Define(stage, _SKELETON)
    skeleton.CreateJointsAttr([*paths.values(), *(f"{paths[bone.vrm]}/end" for bone in leaves)])
    skeleton.CreateJointNamesAttr(
        [*(bone.name for bone in bones), *(f"{bone.name}_end" for bone in leaves)]
    )
    # USD writes matrices for row vectors.
    transposed = (
        np.array(matrices).transpose(0, 2, 1).round(9) + 0.0 for matrices in (binds, rests)
    )
    bind, rest = (Vt.Matrix4dArray.FromNumpy(np.ascontiguousarray(rows)) for rows in transposed)
    skeleton.CreateBindTransformsAttr(bind)
    skeleton.CreateRestTransformsAttr(rest)
    skeleton.GetPrim().SetCustomData({"bones": {bone.vrm: _said(bone) for bone in bones}})


def _write_figure(stage: Usd.Stage, armature: Armature) -> None:
    from pxr import Gf, UsdGeom, UsdSkel, Vt

    triangles, normals = octahedra(armature.bones)
    corners = np.ascontiguousarray(triangles.reshape(-1, 3).astype(np.float32))
    mesh = UsdGeom.Mesh.Define(stage, _BONES)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(corners))
    mesh.CreateFaceVertexCountsAttr([_CORNERS] * len(triangles))
    mesh.CreateFaceVertexIndicesAttr(list(range(len(corners))))
    mesh.CreateNormalsAttr(
        Vt.Vec3fArray.FromNumpy(np.repeat(normals, _CORNERS, axis=0).astype(np.float32))
    )
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.faceVarying)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    bounds = [Gf.Vec3f(*(float(value) for value in end)) for end in _ends(corners)]
    mesh.CreateExtentAttr(bounds)
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([_SKELETON])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
    each = len(corners) // len(armature.bones)
    joints = np.repeat(np.arange(len(armature.bones)), each).tolist()
    binding.CreateJointIndicesPrimvar(constant=False, elementSize=1).Set(joints)
    binding.CreateJointWeightsPrimvar(constant=False, elementSize=1).Set([1.0] * len(corners))


def _ends(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return points.min(axis=0), points.max(axis=0)


def _paths(armature: Armature) -> dict[str, str]:
    """Path of each bone's joint from the hips down, by its VRM name."""
    from pxr import Tf

    paths: dict[str, str] = {}
    for bone in armature.bones:
        own = Tf.MakeValidIdentifier(bone.name)
        paths[bone.vrm] = own if bone.parent is None else f"{paths[bone.parent]}/{own}"
    return paths


def _place(axes: NDArray[np.float64], point: tuple[float, float, float]) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, point
    return matrix


def _said(bone: Bone) -> dict[str, Any]:
    said: dict[str, Any] = {"measured": bone.measured, "source": bone.source}
    if bone.told is not None:
        told = msgspec.to_builtins(bone.told)
        low, high = told.pop("interval")
        said |= {**told, "low": low, "high": high}
    return said
