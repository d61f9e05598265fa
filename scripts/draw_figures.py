"""Draws the figures of the documentation anew, from the product's own code: docs/figures/*.

The fit of a body to the demo's estimate, and what one gets, are drawn from the demo's run with
overlays:

    avatarrig inputs/datasets/Demo --out outputs/runs/Demo --debug-overlays
    python scripts/draw_figures.py
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from avatarrig.avatar.fitting import Options, fit, read_avatar
from avatarrig.avatar.gltf.container import read_container
from avatarrig.avatar.human.making import Wish, make_body
from avatarrig.avatar.human.source import find_human
from avatarrig.avatar.picture import before_and_after
from avatarrig.body.bones import POOLED_BONES, PROTOTYPE_BONES
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.rig.lengths import FileEstimate, complete_lengths
from avatarrig.report.charts import course_chart
from avatarrig.report.convergence import replay
from avatarrig.runs.estimate_file import read_estimate
from avatarrig.wire import Observation, PackedArray

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures"
PEOPLE = ROOT / "tests" / "unit" / "data" / "rendered_people.npz"
SHOWN = ("torso_length", "upper_arm_L", "upper_leg_L")
WIDTH, HEIGHT = 640, 960  # of the rendered pictures
PANEL = (340, 190)
DEMO = ROOT / "outputs" / "runs" / "Demo"
SHOWN_PHOTO = "019"
TALL, GAP = 480, 12  # pixels
TITLE = 30
WIDE = 1064  # pixels of the picture of a fit
BUILT_OTHERWISE = {
    "shoulder_width": 1.0,
    "hip_width": 0.55,
    "torso_length": 1.55,
    "upper_arm_L": 0.7,
    "lower_arm_L": 0.55,
    "upper_leg_L": 1.0,
    "lower_leg_L": 1.0,
}
"""Ratios of the body that is fitted: a long trunk, short arms and legs."""

STYLE = """
text { font-family: system-ui, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif; }
.card { fill: #fff; } .title { fill: #1d242d; font-size: 15px; font-weight: 600; }
.grid { stroke: #dde1e7; } .axis { stroke: #596472; } .tick { fill: #596472; font-size: 11.5px; }
.value { fill: #1d242d; font-size: 13px; font-weight: 600; } .band { fill: #1f6fd133; }
.curve { fill: none; stroke: #1f6fd1; stroke-width: 2; } .end { fill: #1f6fd1; }
.hover { fill: transparent; } .mark { stroke: #a3231c; stroke-width: 1.5; stroke-dasharray: 5 4; }
"""


def main() -> None:
    """Writes the figures."""
    FIGURES.mkdir(exist_ok=True)
    for person in ("p00", "pw01"):
        (FIGURES / f"convergence-{person}.svg").write_text(convergence(person), encoding="utf-8")
        sys.stdout.write(f"{FIGURES / f'convergence-{person}.svg'}\n")
    if DEMO.is_dir():
        fitted().save(FIGURES / "fit.png", optimize=True)
        sys.stdout.write(f"{FIGURES / 'fit.png'}\n")
        what_you_get().save(FIGURES / "what-you-get.png", optimize=True)
        sys.stdout.write(f"{FIGURES / 'what-you-get.png'}\n")


def fitted() -> Image.Image:
    """A body before and after it got the demo's proportions."""
    known = complete_lengths(FileEstimate(BUILT_OTHERWISE))
    made = make_body(find_human(), known, Wish(title="before"))
    with tempfile.NamedTemporaryFile(suffix=".vrm") as file:
        Path(file.name).write_bytes(made.data)
        avatar = read_avatar(read_container(Path(file.name)), Path())
    demo = read_estimate(DEMO).estimate
    done = fit(avatar, complete_lengths(demo).lengths, Options(widths="full"))
    picture = Image.open(io.BytesIO(before_and_after(avatar, done))).convert("RGB")
    return picture.resize((WIDE, WIDE * picture.height // picture.width), Image.Resampling.LANCZOS)


def what_you_get() -> Image.Image:
    """A photo with what was seen, the skeleton, and a body in these proportions, side by side."""
    overlay = next(iter(sorted((DEMO / "overlays").glob(f"{SHOWN_PHOTO}*.png"))))
    fitted = Image.open(FIGURES / "fit.png")
    parts = [
        Image.open(overlay),
        Image.open(DEMO / "skeleton_estimate.png"),
        fitted.crop((fitted.width // 2, 0, fitted.width, fitted.height - 30)),
    ]
    scaled = [
        part.convert("RGB").resize((TALL * part.width // part.height, TALL)) for part in parts
    ]
    page = Image.new("RGB", (sum(part.width for part in scaled) + 2 * GAP, TALL), "white")
    left = 0
    for part in scaled:
        page.paste(part, (left, 0))
        left += part.width + GAP
    return page.quantize(192)


def convergence(person: str) -> str:
    """Draws how a rendered person's ratios came to the truth."""
    observations, truth = rendered(person)
    curves = {curve.key: curve for curve in replay(observations).curves}
    panels = []
    for number, key in enumerate(SHOWN):
        chart = course_chart(curves[key], truth[key] / truth["shoulder_width"])
        left = number * PANEL[0]
        place = f'<svg x="{left}" y="{TITLE}" width="{PANEL[0]}" height="{PANEL[1]}" '
        panels.append(
            f'<text class="title" x="{left + 40}" y="21">{curves[key].name}</text>'
            + re.sub("^<svg ", place, str(chart))
        )
    width, height = len(SHOWN) * PANEL[0] + 8, PANEL[1] + TITLE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><style>{STYLE}</style>'
        f'<rect class="card" width="{width}" height="{height}" rx="10"/>{"".join(panels)}</svg>\n'
    )


def rendered(person: str) -> tuple[list[Observation], dict[str, float]]:
    """Reads a rendered person's landmarks and bones."""
    with np.load(PEOPLE) as people:
        poses, worlds = people[f"{person}_pose"], people[f"{person}_world"]
        lengths = dict(zip(POOLED_BONES, people[f"{person}_bones"].tolist(), strict=False))
    observations = [
        observation(number, pose.astype(np.float32), world.astype(np.float32))
        for number, (pose, world) in enumerate(zip(poses, worlds, strict=True))
    ]
    return observations, {key: lengths[bone] for key, bone in PROTOTYPE_BONES.items()}


def observation(number: int, pose: np.ndarray, world: np.ndarray) -> Observation:
    """Makes the observation of one picture."""
    return Observation(
        image_id=f"{number:02}",
        dataset="rendered",
        path=f"{number:02}.jpg",
        subject="",
        content_hash="",
        found_at=float(number),
        observed_at=float(number),
        fingerprint="",
        width=WIDTH,
        height=HEIGHT,
        pose=PackedArray.pack(pose),
        world=PackedArray.pack(world),
        evidence=evidence_from_landmarks(pose, world, WIDTH, HEIGHT, learned=load_learned("full")),
    )


if __name__ == "__main__":
    main()
