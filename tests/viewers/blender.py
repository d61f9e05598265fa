"""Run by Blender's Python: imports files, and tells what it made of each, as a line of JSON.

blender.py [--to-fbx TARGET] FILE...
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy

IMPORTS = {
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".vrm": lambda path: bpy.ops.import_scene.vrm(filepath=path),
    ".bvh": lambda path: bpy.ops.import_anim.bvh(filepath=path),
    ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path),
    ".usda": lambda path: bpy.ops.wm.usd_import(filepath=path),
}


def read(path: str) -> dict[str, Any]:
    """Imports a file into an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if path.endswith(".vrm"):
        bpy.ops.preferences.addon_enable(module="io_scene_vrm")
    IMPORTS[Path(path).suffix](path)
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    world = armature.matrix_world
    return {
        "bones": {
            bone.name: [list(world @ bone.head_local), list(world @ bone.tail_local)]
            for bone in armature.data.bones
        },
        "pose": {bone.name: list(world @ bone.head) for bone in armature.pose.bones},
        "keys": sorted(
            key.name
            for thing in bpy.data.objects
            if thing.type == "MESH" and thing.data.shape_keys
            for key in thing.data.shape_keys.key_blocks
        ),
        "triangles": sum(
            len(thing.data.polygons) for thing in bpy.data.objects if thing.type == "MESH"
        ),
    }


def main(arguments: list[str]) -> None:
    """Tells of all files, or writes the first as FBX."""
    if arguments[0] == "--to-fbx":
        target, source = arguments[1:]
        read(source)
        bpy.ops.export_scene.fbx(filepath=target, add_leaf_bones=False)
        return
    for path in arguments:
        sys.stdout.write(f"\n{json.dumps(read(path))}\n")
        sys.stdout.flush()


main(sys.argv[1:])
os._exit(0)  # Blender as a module does not end by itself
