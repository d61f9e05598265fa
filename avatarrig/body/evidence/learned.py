"""What was learned: the network and the statistics of people, in one file.

`scripts/train_estimator.py` writes the file. It belongs to one pose model and to one version of
the features; used with others it is refused, because lite, full and heavy models place their
landmarks differently (bone lengths differ by 11-12 %).
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from avatarrig.body.bones import HELMERT, POOLING, FloatArray
from avatarrig.body.evidence.features import FEATURE_COUNT, FEATURES_VERSION
from avatarrig.body.evidence.network import Network
from avatarrig.body.refused import LearnedRefusedError

WEIGHTS_FOLDER: Final = Path(__file__).parent / "weights"

_POSE_MODEL: Final = re.compile(r"[a-z0-9_]{1,32}")

CENTRE_BITS: Final = 20
"""`Learned.centre` counts in 2 ** -20."""


def _share(deviation: float) -> FloatArray:
    """An error alike in all bones, for files that do not tell what moments and sessions share."""
    return np.eye(len(HELMERT)) * deviation**2


@dataclass(frozen=True)
class Population:
    """People, and how the summed photos of a person relate to the person.

    Sums z of many photos tell about size-free log lengths x as z = G (x - m) + m + c + e, with
    a covariance of e of the sums' own plus R, which no number of photos lowers. People are a
    mixture of Gaussians of one mean: ordinary ones, and rarer ones with unusual proportions.

    Attributes:
        mean: (6,) m.
        covariances: (k, 6, 6) of x, ascending.
        shares: (k,) of each component, sum 1.
        response: (6, 6) G.
        offset: (6,) c.
        systematic: (k, 6, 6) R for each component: grows with how unusual a person is.
        alike: Share of a photo's own error that other photos of its moment repeat, 0..1.
        moment: (6, 6) covariance of the error that photos of one moment share beside that.
        session: (6, 6) covariance of the error that photos of one session share.
    """

    mean: FloatArray
    covariances: FloatArray
    shares: FloatArray
    response: FloatArray
    offset: FloatArray
    systematic: FloatArray
    alike: float = 0.9
    moment: FloatArray = field(default_factory=lambda: _share(0.02))
    session: FloatArray = field(default_factory=lambda: _share(0.025))

    @functools.cached_property
    def centre(self) -> FloatArray:
        """(6,) what photos of the average person say."""
        return self.mean + self.offset

    @functools.cached_property
    def spread(self) -> FloatArray:
        """(k, 6, 6) covariance of what photos without errors of their own say of anybody."""
        return self.response @ self.covariances @ self.response.T + self.systematic

    @functools.cached_property
    def log_shares(self) -> FloatArray:
        """(k,) logarithms of the shares."""
        return np.asarray(np.log(self.shares))

    @functools.cached_property
    def regression(self) -> FloatArray:
        """(k, 6, 6) covariance of people and what photos say of them: S Gᵀ."""
        return self.covariances @ self.response.T


@dataclass(frozen=True, eq=False)
class Learned:
    """The contents of a weights file.

    Attributes:
        version: Names the file's content; travels with all evidence made by it.
        pose_model: Variant of MediaPipe's pose landmarker that it belongs to.
        model_sha256: Of that model's file.
        network: Landmarks to bone lengths.
        population: From summed evidence to the person.
        centre: (6,) what photos of an average person say, in 2 ** -20: whole numbers, so that
            photos can be grouped by it exactly.
        intervals: Factor on standard deviations that makes intervals honest on bodies that
            training did not see. Where all comes from the prior, the first number; where all
            comes from photos, the second plus the third times how unusual the estimated person
            is (1 for an ordinary one); in between, a mean by the share of each.
        most_misfit: Misfit of photos to their estimate that one person's photos hardly exceed:
            the first number however many they are, and the second over the root of their number,
            added as standard deviations are.
    """

    version: str
    pose_model: str
    model_sha256: str
    network: Network
    population: Population
    centre: tuple[int, ...]
    intervals: tuple[float, float, float]
    most_misfit: tuple[float, float]


@functools.lru_cache(maxsize=8)
def load_learned(pose_model: str = "full", model_sha256: str | None = None) -> Learned:
    """Loads what was learned for a pose model.

    Args:
        pose_model: Variant: ``lite``, ``full`` or ``heavy``.
        model_sha256: Of the model file in use, hexadecimal; None where it is not known.

    Returns:
        The weights, shared by all callers and not to be changed.

    Raises:
        LearnedRefusedError: Nothing was learned for this variant or this file.
    """
    path = WEIGHTS_FOLDER / f"{pose_model}.npz"
    # Records name it as well, and those may come from anybody.
    if not _POSE_MODEL.fullmatch(pose_model) or not path.is_file():
        known = ", ".join(sorted(p.stem for p in WEIGHTS_FOLDER.glob("*.npz"))) or "none"
        raise LearnedRefusedError(
            f"nothing was learned for the pose model {pose_model!r} (learned: {known}); use one "
            "of these, or train with scripts/train_estimator.py: landmarks of different models "
            "differ by more than people do"
        )
    learned = read_learned(path.read_bytes(), name=str(path))
    if learned.pose_model != pose_model:
        raise LearnedRefusedError(
            f"{path} was learned with the pose model {learned.pose_model!r}, not {pose_model!r}"
        )
    if model_sha256 is not None and model_sha256 != learned.model_sha256:
        raise LearnedRefusedError(
            f"{path} was learned with another file of the pose model {pose_model!r} (SHA-256 "
            f"{learned.model_sha256[:12]}…, in use {model_sha256[:12]}…): use that one, or train"
        )
    return learned


def learned_of(version: str) -> Learned:
    """Loads the installed weights of the pose model that a version names.

    Raises:
        LearnedRefusedError: Nothing was learned for that pose model.
    """
    return load_learned(version.rpartition("-")[0])


_LAYERS = (
    "input_weight",
    "input_bias",
    "hidden_weight",
    "hidden_bias",
    "output_weight",
    "output_bias",
)


def read_learned(data: bytes, *, name: str) -> Learned:
    """Reads a weights file.

    Args:
        data: The file's bytes.
        name: For messages.

    Raises:
        LearnedRefusedError: It is none, or belongs to other features.
    """
    try:
        return _unpacked(data, name)
    except (KeyError, ValueError, OSError, EOFError) as error:
        if isinstance(error, LearnedRefusedError):
            raise
        raise LearnedRefusedError(f"{name} is no weights file: {error}") from error


def _unpacked(data: bytes, name: str) -> Learned:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {key: np.asarray(file[key]) for key in file.files}
    header = json.loads(str(arrays.pop("header")))
    if header["features"] != FEATURES_VERSION or len(arrays["centre"]) != FEATURE_COUNT:
        raise LearnedRefusedError(
            f"{name} was learned on features {header['features']}, this program makes "
            f"{FEATURES_VERSION}: train again with scripts/train_estimator.py"
        )
    numbers = {key: value.astype(np.float64) for key, value in arrays.items()}
    few, many, growth = map(float, header["intervals"])
    return Learned(
        version=f"{header['pose_model']}-{hashlib.sha256(data).hexdigest()[:12]}",
        pose_model=str(header["pose_model"]),
        model_sha256=str(header["model_sha256"]),
        network=Network(
            centre=numbers["centre"],
            spread=numbers["spread"],
            offset=numbers["offset"],
            layers={key: numbers[key] for key in _LAYERS},
            usual=POOLING @ HELMERT.T @ numbers["mean"],
            tolerance=float(header["tolerance"]),
        ),
        population=Population(
            mean=numbers["mean"],
            covariances=numbers["covariances"],
            shares=numbers["shares"],
            response=numbers["response"],
            offset=numbers["population_offset"],
            systematic=numbers["systematic"],
            **_levels(numbers),
        ),
        centre=centre_of(numbers["mean"], numbers["population_offset"]),
        intervals=(few, many, growth),
        most_misfit=(float(header["most_misfit"][0]), float(header["most_misfit"][1])),
    )


def _levels(numbers: dict[str, FloatArray]) -> dict[str, Any]:
    levels: dict[str, Any] = {key: numbers[key] for key in ("moment", "session") if key in numbers}
    return levels | ({"alike": float(numbers["alike"])} if "alike" in numbers else {})


def centre_of(mean: FloatArray, offset: FloatArray) -> tuple[int, ...]:
    """Returns `Learned.centre` of a population's mean and offset."""
    return tuple(np.rint((mean + offset) * (1 << CENTRE_BITS)).astype(np.int64).tolist())


def write_learned(learned: Learned) -> bytes:
    """Packs what was learned; the same content gives the same bytes. ``version`` is derived.

    The training calls it; it stands here since the format is one with what `read_learned` reads.
    """
    population = learned.population
    header = {
        "features": FEATURES_VERSION,
        "pose_model": learned.pose_model,
        "model_sha256": learned.model_sha256,
        "intervals": learned.intervals,
        "most_misfit": learned.most_misfit,
        "tolerance": learned.network.tolerance,
    }
    arrays: dict[str, Any] = {
        "header": np.array(json.dumps(header, sort_keys=True)),
        "centre": learned.network.centre,
        "spread": learned.network.spread,
        "offset": learned.network.offset,
        "mean": population.mean,
        "covariances": population.covariances,
        "shares": population.shares,
        "response": population.response,
        "population_offset": population.offset,
        "systematic": population.systematic,
        "alike": np.array(population.alike),
        "moment": population.moment,
        "session": population.session,
    }
    buffer = io.BytesIO()
    # Half precision moves a ratio by less than a thousandth of what photos leave open.
    weights: dict[str, Any] = {
        key: value.astype(np.float16) for key, value in learned.network.layers.items()
    }
    np.savez(buffer, **arrays, **weights)
    return buffer.getvalue()
