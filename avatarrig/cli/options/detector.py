"""What detectors look for and keep: the same options for every command that starts some."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from avatarrig.cli.options.gathering import gathered
from avatarrig.cli.options.numbers import Within
from avatarrig.detectors.options import MOST_POSES, POSE_PROFILES, DetectorOptions
from avatarrig.pipeline.request import Detecting
from avatarrig.runs import WantedFiles

_SHARE = Within(0.0, 1.0)


workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=min(4, os.cpu_count() or 1),
    show_default="one per core, 4 at most",
    help="Detector replicas.",
)
"""Of commands that start detectors beside other parts on one machine."""


def _detecting(**given: Any) -> Detecting:
    profile = POSE_PROFILES.get(given["pose_profile"] or "")
    detection, presence, tracking = (
        given[key] if profile is None else profile
        for key in ("min_pose_det", "min_pose_presence", "min_pose_track")
    )
    return Detecting(
        options=DetectorOptions(
            pose_model=given["pose_model"],
            num_poses=given["num_poses"],
            min_pose_det=detection,
            min_pose_presence=presence,
            min_pose_track=tracking,
            pose_crop_from_mask=given["pose_crop_from_mask"],
            crop_pad_frac=given["crop_pad_frac"],
            overlay_thr=given["overlay_thr"],
            blendshapes=given["blendshapes"],
            max_pixels=given["max_pixels"],
        ),
        wanted=WantedFiles(overlays=given["debug_overlays"], masks=given["save_masks"]),
        models=given["models"],
    )


detector_options = gathered(
    "detecting",
    _detecting,
    click.option("--debug-overlays", is_flag=True, help="Draw what was seen over each photo."),
    click.option("--save-masks", is_flag=True, help="Keep each photo's person mask, 255 = person."),
    click.option(
        "--pose-model",
        type=click.Choice(["lite", "full", "heavy"]),
        default="full",
        help="Pose model; estimates of different models are never pooled. The estimate has weights "
        "for lite and full; with heavy photos are observed, and none counts.",
    ),
    click.option(
        "--pose-profile",
        type=click.Choice(list(POSE_PROFILES)),
        help="Sets the three --min-pose-… thresholds: balanced .30, strict .60.",
    ),
    click.option(
        "--min-pose-det", type=_SHARE, default=0.30, help="Least confidence that somebody is there."
    ),
    click.option(
        "--min-pose-presence", type=_SHARE, default=0.30, help="Least confidence in the landmarks."
    ),
    click.option(
        "--min-pose-track",
        type=_SHARE,
        default=0.30,
        help="Accepted for old commands: MediaPipe tracks in videos only, in photos this has no "
        "effect on what is found.",
    ),
    click.option(
        "--num-poses",
        type=click.IntRange(1, MOST_POSES),
        default=1,
        help="People to look for at least.",
    ),
    click.option(
        "--pose-crop-from-mask/--no-pose-crop-from-mask",
        default=True,
        help="Look again at a crop around the person where the first look was poor.",
    ),
    click.option(
        "--crop-pad-frac",
        type=Within(0.0, 1.0),
        default=0.15,
        help="Margin of that crop, as a share of the person's size.",
    ),
    click.option(
        "--overlay-thr", type=_SHARE, default=0.35, help="Draw landmarks from this confidence on."
    ),
    click.option(
        "--blendshapes/--no-blendshapes", default=True, help="Score the face's 52 blendshapes."
    ),
    click.option(
        "--max-pixels",
        type=click.IntRange(1),
        default=DetectorOptions().max_pixels,
        help="Refuse photos with more pixels than this, by their header.",
    ),
    click.option(
        "--models",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder with model files.",
        show_default="inputs/models/mediapipe, then a cache",
    ),
)
"""Gives a command the options; it is called with one argument ``detecting`` for them all."""
