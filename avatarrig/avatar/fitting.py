"""An avatar in a person's proportions: the whole way from a file to a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np

from avatarrig.avatar.attachments import Attached, fit_attachments
from avatarrig.avatar.conditions import Conditions, read_conditions
from avatarrig.avatar.errors import UnfitAvatarError, said_where_damaged
from avatarrig.avatar.extent import Extent, Measure, read_measure
from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.gltf.compression import unpack
from avatarrig.avatar.gltf.container import Container
from avatarrig.avatar.gltf.scene import (
    POSED,
    Skin,
    bind_worlds,
    local_matrices,
    pose_spread,
    read_skins,
    read_tree,
    without_placeholders,
    world_matrices,
)
from avatarrig.avatar.gltf.storing import Store
from avatarrig.avatar.humanoid import Humanoid, find_humanoid, template
from avatarrig.avatar.meshes import MeshFit, fit_meshes, fit_skins
from avatarrig.avatar.motion import fit_animations
from avatarrig.avatar.overlap import Overlaps, overlaps
from avatarrig.avatar.placing import Growth, Placement, Plan, place
from avatarrig.avatar.proportions import WIDTHS, Body, factors, measure, warnings
from avatarrig.avatar.regions import ENDS, LIMBS, TRUNK, node_regions
from avatarrig.avatar.relaxing import Bounds, relax
from avatarrig.avatar.skeleton import (
    Frame,
    Offsets,
    mend_limbs,
    new_bind,
    new_locals,
    offsets,
    rest_worlds,
)
from avatarrig.avatar.surfaces import Shown, Surface, read_surfaces

WidthRule = Literal["bounded", "full", "keep"]
_ROUNDS: Final = 12
_CLOSE: Final = 1e-6
_FAR: Final = 0.01
"""Error of the height at which a scale counts as not found."""
_APART: Final = 5.0
"""How far the scale may be from what the bones' lengths let expect."""
_NARROWER: Final = (1.0, 0.5, 0.0)
"""Shares of the widths' change that are tried until limbs run into nothing."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        widths: How far shoulders and hips may move.
        height: From the soles to the crown, in metres; None keeps the avatar's own.
        scaled: Of ``head``, ``hands`` and ``feet`` those that grow with the body.
        hands: Factor of the hands' size besides.
        feet: Factor of the feet's.
    """

    widths: WidthRule = "bounded"
    height: float | None = None
    scaled: frozenset[str] = frozenset()
    hands: float = 1.0
    feet: float = 1.0


class Avatar(msgspec.Struct, frozen=True, kw_only=True):
    """An avatar that has been read and understood.

    Attributes:
        posed: Whether the rest pose is not the bind pose.
    """

    container: Container
    document: dict[str, Any]
    binary: bytes
    undone: tuple[str, ...]
    frame: Frame
    skins: list[Skin]
    surfaces: list[Surface]
    body: Body
    measure: Measure
    posed: bool
    conditions: Conditions

    @property
    def humanoid(self) -> Humanoid:
        """Its bones."""
        return self.frame.humanoid


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted avatar.

    Attributes:
        container: The file to write.
        factors: Factor of each length.
        growth: Factors of what keeps its shape.
        lengths: Lengths before, in the avatar's unit.
        tracks: Animation tracks that were changed.
        points: Vertices of each surface after the fit, in the bind pose.
    """

    container: Container
    factors: dict[str, float]
    growth: Growth
    before: float
    after: float
    lengths: dict[str, float]
    warnings: tuple[str, ...]
    tracks: int
    points: list[Floats]
    narrowed: bool


class _Try(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in its place for one scale."""

    factors: dict[str, float]
    growth: Growth
    placement: Placement
    bind: Floats
    changes: Offsets
    rest: Floats
    extent: Extent


def read_avatar(
    container: Container, folder: Path, mapping: Mapping[str, str | int] | None = None
) -> Avatar:
    """Reads an avatar.

    Args:
        folder: Where the file lies.
        mapping: Bones to nodes, where the file does not say or its names tell nothing.

    Raises:
        AvatarFileError: The file cannot be read.
        UnfitAvatarError: It lacks what a fit needs.
    """
    with said_where_damaged():
        return _read(container, folder, mapping)


def _read(container: Container, folder: Path, mapping: Mapping[str, str | int] | None) -> Avatar:
    unpacked = unpack(container, folder)
    document, binary = unpacked.document, bytes(unpacked.binary)
    tree = read_tree(document)
    humanoid = find_humanoid(document, tree, mapping)
    bones = list(humanoid.bones.values())
    locals_ = local_matrices(document)
    rest = world_matrices(tree, locals_)
    skins = without_placeholders(read_skins(document, binary), rest, bones)
    bind = bind_worlds(tree, rest, locals_, skins, bones)
    joints = frozenset(joint for skin in skins for joint in skin.joints)
    frame = Frame(
        tree=tree,
        humanoid=humanoid,
        locals_=locals_,
        rest=rest,
        bind=bind,
        regions=node_regions(tree, humanoid, joints),
        joints=joints,
    )
    surfaces = read_surfaces(
        Shown(
            document=document,
            binary=binary,
            tree=tree,
            skins=skins,
            bind=bind,
            regions=frame.regions,
        )
    )
    _check_skinned(surfaces, frame)
    return Avatar(
        container=container,
        document=document,
        binary=binary,
        undone=unpacked.undone,
        frame=frame,
        skins=skins,
        surfaces=surfaces,
        body=measure(humanoid, bind),
        measure=read_measure(surfaces, frame, skins),
        posed=pose_spread(rest, skins) > POSED,
        conditions=read_conditions(document),
    )


def _check_skinned(surfaces: Sequence[Surface], frame: Frame) -> None:
    parts = (*LIMBS, TRUNK)
    held = sum(float(surface.weight_of(parts).sum()) for surface in surfaces)
    limbs = sum(float(surface.weight_of(LIMBS).sum()) for surface in surfaces)
    if not held or not limbs:
        raise UnfitAvatarError(
            "nothing of the body follows the bones: no mesh is skinned to arms, legs or trunk, or "
            "hangs on them",
            template(frame.humanoid.bones, frame.tree),
        )


def fit(avatar: Avatar, wanted: Mapping[str, float], options: Options) -> Fitted:
    """Gives an avatar a person's proportions.

    Args:
        wanted: The person's lengths over shoulder width, by the estimate's keys.

    Raises:
        UnfitAvatarError: Joints lie in one place, or the body has no height.
    """
    with said_where_damaged():
        chosen, narrowed = _choose(avatar, wanted, options)
        return _write(avatar, chosen, narrowed=narrowed)


class _Search(msgspec.Struct, frozen=True, kw_only=True):
    """What a scale is looked for with.

    Attributes:
        wanted: The person's lengths over shoulder width.
        share: How much of the widths' change is made.
    """

    avatar: Avatar
    wanted: Mapping[str, float]
    options: Options
    share: float

    @property
    def target(self) -> float:
        """The height to reach."""
        return self.options.height or self.avatar.measure.before.height

    @property
    def growth(self) -> float:
        """Factor of the height."""
        return self.target / self.avatar.measure.before.height


def _choose(avatar: Avatar, wanted: Mapping[str, float], options: Options) -> tuple[_Try, bool]:
    """Looks for the scale, and takes back what makes limbs run into one another."""
    points = [surface.points for surface in avatar.surfaces]
    before = overlaps(avatar.surfaces, points, avatar.body)
    for share in _NARROWER:
        found = _solve(_Search(avatar=avatar, wanted=wanted, options=options, share=share))
        if options.widths != "bounded":
            break
        maps = found.placement.maps
        moved = [surface.deform(maps, surface.points) for surface in avatar.surfaces]
        if not overlaps(avatar.surfaces, moved, avatar.body).worse(before, found.growth.whole):
            break
    return found, share < 1


def _solve(search: _Search) -> _Try:
    """Finds the scale at which the avatar is as tall as it shall be.

    Raises:
        UnfitAvatarError: There is none.
    """
    own, wanted = search.avatar.body.lengths, search.wanted
    logs = [math.log(own[key] / wanted[key]) for key in own if key not in WIDTHS]
    first = scale = search.growth * math.exp(float(np.mean(logs)))
    tries: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        found = _try(search, scale)
        error = found.extent.height / search.target - 1
        tries.append((scale, error))
        if abs(error) < _CLOSE:
            break
        scale = _next(tries)
    if abs(error) > _FAR or not 1 / _APART < scale / first < _APART:
        raise UnfitAvatarError(
            "the mesh does not lie where its bones are, so that no length of the bones gives it "
            "its height: look at it in the pose in which it was bound, and bind it anew"
        )
    return found


def _next(tries: Sequence[tuple[float, float]]) -> float:
    """The next scale to try: heights are nearly a straight line of it."""
    scale, error = tries[-1]
    if len(tries) == 1:
        return scale / (1 + error)
    before, other = tries[-2]
    if abs(error - other) < _CLOSE * _CLOSE:
        return scale
    step = -error * (scale - before) / (error - other)
    return scale + float(np.clip(step, -0.5 * scale, scale))


def _try(search: _Search, scale: float) -> _Try:
    avatar, options, growth = search.avatar, search.options, search.growth
    found = factors(avatar.body.lengths, search.wanted, scale, growth, options.widths)
    for key in WIDTHS:
        found[key] = growth * (found[key] / growth) ** search.share
    logs = [math.log(found[key] / growth) for key in found if key not in WIDTHS]
    mean = math.exp(float(np.mean(logs)))
    sizes = {part: mean if part in options.scaled else 1.0 for part in ("head", "hands", "feet")}
    sizes["hands"] *= options.hands
    sizes["feet"] *= options.feet
    plan = Plan(
        body=avatar.body,
        found=found,
        growth=Growth(whole=growth, **sizes),
        shift=np.zeros(3),
        straight=avatar.measure.straight,
        detached=avatar.measure.detached,
    )
    lift = avatar.measure.bind_before.soles - avatar.measure.after(place(plan).maps).soles
    lifted = msgspec.structs.replace(plan, shift=np.array([0, lift, 0]))
    stood = _stand(avatar, lifted)
    if not avatar.posed:
        return stood
    shift = lifted.shift + _way_back(avatar, stood)
    return _stand(avatar, msgspec.structs.replace(lifted, shift=shift))


def _stand(avatar: Avatar, plan: Plan) -> _Try:
    frame, found, placement = avatar.frame, plan.found, place(plan)
    bind = new_bind(frame, placement)
    legs = [key for key in found if "_leg" in key]
    own = avatar.body.lengths
    travel = sum(found[key] * own[key] for key in legs) / sum(own[key] for key in legs)
    changes = offsets(frame, bind, placement.maps, travel)
    if avatar.posed:
        changes = mend_limbs(frame, changes, bind)
    rest = rest_worlds(frame, new_locals(frame, changes))
    poses = (bind, rest) if avatar.posed else ()
    return _Try(
        factors=found,
        growth=plan.growth,
        placement=placement,
        bind=bind,
        changes=changes,
        rest=rest,
        extent=avatar.measure.after(placement.maps, *poses),
    )


def _way_back(avatar: Avatar, stood: _Try) -> Floats:
    """How to shift the body in its bind pose so that soles and hips keep their places in the other.

    Both poses share the hips' offset, so that it stays one.
    """
    frame, rest = avatar.frame, stood.rest
    legs = [frame.humanoid[f"{side}UpperLeg"] for side in ("left", "right")]
    shift: Floats = frame.rest[legs, :3, 3].mean(axis=0) - rest[legs, :3, 3].mean(axis=0)
    shift[1] = avatar.measure.before.soles - stood.extent.soles
    parent = frame.tree.parents[frame.humanoid["hips"]]
    if parent < 0:
        return shift
    offset = np.linalg.solve(rest[parent, :3, :3], shift)
    back: Floats = frame.bind[parent, :3, :3] @ offset
    return back


def _write(avatar: Avatar, chosen: _Try, *, narrowed: bool) -> Fitted:
    document = msgspec.json.decode(msgspec.json.encode(avatar.document))
    store = Store(document, bytearray(avatar.binary))
    frame, maps = avatar.frame, chosen.placement.maps
    size = max(avatar.measure.before.height, 1e-9)
    mesh_fit = MeshFit(frame=frame, skins=avatar.skins, bind=chosen.bind, maps=maps, size=size)
    source = (avatar.document, avatar.binary)
    points = relax(
        source,
        avatar.surfaces,
        [surface.deform(maps, surface.points) for surface in avatar.surfaces],
        _bounds(chosen, size),
    )
    fit_meshes(store, source, avatar.surfaces, points, mesh_fit)
    fit_skins(store, mesh_fit)
    _write_nodes(document, frame, chosen.changes)
    tracks = fit_animations(store, chosen.changes)
    head = chosen.growth.of("head")
    fit_attachments(document, Attached(frame=frame, bind=chosen.bind, maps=maps), head)
    whole = Container(document=document, binary=bytes(store.binary), others=avatar.container.others)
    return Fitted(
        container=whole,
        factors=chosen.factors,
        growth=chosen.growth,
        before=avatar.measure.before.height,
        after=chosen.extent.height,
        lengths=avatar.body.lengths,
        warnings=_warnings(avatar, chosen, points),
        tracks=tracks,
        points=points,
        narrowed=narrowed,
    )


def _bounds(chosen: _Try, size: float) -> Bounds:
    every = [*chosen.factors.values(), *(chosen.growth.of(end) for end in ENDS)]
    return Bounds(low=min(every), high=max(every), size=size)


def _warnings(avatar: Avatar, chosen: _Try, points: list[Floats]) -> tuple[str, ...]:
    relative = {key: factor / chosen.growth.whole for key, factor in chosen.factors.items()}
    told = warnings(relative)
    before = overlaps(avatar.surfaces, [surface.points for surface in avatar.surfaces], avatar.body)
    after: Overlaps = overlaps(avatar.surfaces, points, avatar.body)
    told += after.told(before, chosen.growth.whole)
    if avatar.posed:
        told.append(
            "the file was saved in another pose than its mesh was bound in: the ratios hold in the "
            "bind pose, those of arms and legs in the saved pose too"
        )
    return tuple(told)


def _write_nodes(document: dict[str, Any], frame: Frame, changes: Offsets) -> None:
    locals_ = new_locals(frame, changes)
    for index in np.flatnonzero(changes.moved):
        node = document["nodes"][index]
        old, new = frame.locals_[index, :3, 3], locals_[index, :3, 3]
        if np.abs(new - old).max() <= 1e-9 * max(float(np.abs(old).max()), 1e-6):
            continue
        if "matrix" in node:
            node["matrix"] = locals_[index].T.reshape(-1).tolist()
        else:
            node["translation"] = new.tolist()
