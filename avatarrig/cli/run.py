"""``avatarrig DATASET --out RUN``: the main job with one command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.height import HEIGHT
from avatarrig.cli.kafka_options import KafkaArguments, kafka_options
from avatarrig.cli.request import RunRequest
from avatarrig.cli.window import WINDOW
from avatarrig.detectors.options import MOST_POSES, POSE_PROFILES, DetectorOptions
from avatarrig.runs import WantedFiles
from avatarrig.skeleton.estimate import EstimateOptions
from avatarrig.topics import DEFAULT_PARTITIONS
from avatarrig.transport import KafkaSettings

_SHARE = click.FloatRange(0.0, 1.0)


@click.command(name="run", context_settings={"show_default": True})
@click.argument("dataset", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("outputs/runs/run1"),
    help="Run directory; the same command on it resumes.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=min(4, os.cpu_count() or 1),
    show_default="one per core, 4 at most",
    help="Detector replicas.",
)
@click.option("--height", type=HEIGHT, help="The person's height, such as 1.72m; gives metres.")
@click.option(
    "--window", type=WINDOW, help="Estimate the newest days apart, such as 30d, by capture time."
)
@click.option("--subject", help="Whose skeleton it is.", show_default="the dataset's name")
@click.option("--debug-overlays", is_flag=True, help="Draw what was seen over each photo.")
@click.option("--save-masks", is_flag=True, help="Keep each photo's person mask, 255 = person.")
@click.option("--max-images", type=click.IntRange(1), help="Stop after so many photos.")
@click.option(
    "--pose-model",
    type=click.Choice(["lite", "full", "heavy"]),
    default="full",
    help="Pose model; estimates of different models are never pooled.",
)
@click.option(
    "--pose-profile",
    type=click.Choice(list(POSE_PROFILES)),
    help="Sets the three --min-pose-… thresholds: balanced .30, strict .60.",
)
@click.option(
    "--min-pose-det", type=_SHARE, default=0.30, help="Least confidence that somebody is there."
)
@click.option(
    "--min-pose-presence", type=_SHARE, default=0.30, help="Least confidence in the landmarks."
)
@click.option(
    "--min-pose-track",
    type=_SHARE,
    default=0.30,
    help="Accepted for old commands: MediaPipe tracks in videos only, in photos this has no "
    "effect on what is found.",
)
@click.option(
    "--num-poses",
    type=click.IntRange(1, MOST_POSES),
    default=1,
    help="People to look for at least.",
)
@click.option(
    "--pose-crop-from-mask/--no-pose-crop-from-mask",
    default=True,
    help="Look again at a crop around the person where the first look was poor.",
)
@click.option(
    "--crop-pad-frac",
    type=click.FloatRange(0.0, 1.0),
    default=0.15,
    help="Margin of that crop, as a share of the person's size.",
)
@click.option(
    "--overlay-thr", type=_SHARE, default=0.35, help="Draw landmarks from this confidence on."
)
@click.option(
    "--blendshapes/--no-blendshapes", default=True, help="Score the face's 52 blendshapes."
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=DetectorOptions().max_pixels,
    help="Refuse photos with more pixels than this, by their header.",
)
@kafka_options
@click.option(
    "--partitions",
    type=click.IntRange(1, 1000),
    default=DEFAULT_PARTITIONS,
    help="Partitions of new topics: the ceiling of replicas.",
)
@click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with model files.",
    show_default="inputs/models/mediapipe, then a cache",
)
@click.option("--json", "as_json", is_flag=True, help="Print the final result as JSON.")
def run(*, as_json: bool, kafka: KafkaArguments, **given: Any) -> None:  # noqa: ANN401 - click's parameters
    """Photos in, skeleton out: the whole pipeline on one folder.

    Starts an embedded Apache Kafka, unless --bootstrap-servers names one, publishes a reference
    to each photo, runs detector replicas and the aggregator, and leaves a run directory. Ctrl-C
    stops; the same command resumes.

    Exit code: 0 all photos were processed (rejects are listed), 2 wrong usage, 3 nothing could
    be processed, 130 stopped with Ctrl-C.
    """
    from avatarrig.cli.pipeline import run_photos  # noqa: PLC0415 - --help needs no OpenCV

    console = Console(stderr=as_json, highlight=False)
    with fail_clearly():
        outcome = run_photos(_request(given, kafka.optional()), console)
    if as_json:
        sys.stdout.write(msgspec.json.encode(outcome.document).decode() + "\n")
    sys.exit(outcome.exit_code)


def _request(given: dict[str, Any], kafka: KafkaSettings | None) -> RunRequest:
    profile = POSE_PROFILES.get(given["pose_profile"] or "")
    detection, presence, tracking = (
        given[key] if profile is None else profile
        for key in ("min_pose_det", "min_pose_presence", "min_pose_track")
    )
    return RunRequest(
        dataset=given["dataset"],
        out=given["out"],
        workers=given["workers"],
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
        max_images=given["max_images"],
        subject=given["subject"],
        kafka=kafka,
        partitions=given["partitions"],
        models=given["models"],
        estimate=EstimateOptions(height=given["height"], window_days=given["window"]),
    )
