"""One estimate a year, and whether the years agree."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import msgspec
import pytest
from support.body.standing import BODY, photo
from support.rendered import rendered

from avatarrig.views.years import LEAST_PHOTOS, SHOWN, Year, changing, years_of
from avatarrig.wire import Observation

FOUND_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()


@dataclass(frozen=True)
class Album:
    """Photos of a rendered person in one year."""

    person: str
    year: int
    photos: int = 30

    def observations(self) -> list[Observation]:
        first = dt.datetime(self.year, 1, 15, tzinfo=dt.UTC).timestamp()
        return [
            msgspec.structs.replace(
                rendered(number, self.person),
                image_id=f"{self.year}-{number}",
                captured_at=first + 86_400 * number,
                found_at=FOUND_AT,
            )
            for number in range(self.photos)
        ]


def of(*albums: Album) -> list[Observation]:
    return [seen for album in albums for seen in album.observations()]


def test_a_person_who_stays_the_same_has_years_that_agree() -> None:
    years = years_of(of(Album("p00", 2021), Album("p00", 2019)))
    assert [(year.year, year.used) for year in years] == [("2019", 30), ("2021", 30)]
    assert all(year.bones.keys() == SHOWN.keys() for year in years)
    assert changing(years) == []


def two_years(lengths: dict[str, float]) -> list[Year]:
    """Of a body, and of one with other lengths five years later; 30 photos each."""
    first = dt.datetime(2019, 3, 1, tzinfo=dt.UTC).timestamp()
    return years_of(
        photo(
            number + 30 * later,
            body,
            captured_at=first + 86_400 * (number + later * 5 * 365),
            found_at=FOUND_AT,
        )
        for later, body in enumerate((BODY, lengths))
        for number in range(30)
    )


def test_somebody_whose_proportions_change_is_noticed() -> None:
    long_armed = {bone: length * (1.4 if "arm" in bone else 0.8) for bone, length in BODY.items()}
    assert changing(two_years(long_armed)) != []


def test_a_change_that_may_be_chance_in_each_bone_is_none_in_all_together() -> None:
    grown = {bone: length * (1.12 if "arm" in bone else 0.9) for bone, length in BODY.items()}
    years = two_years(grown)
    for key in SHOWN:
        bones = [year.bones[key] for year in years]
        assert max(bone.low for bone in bones) < min(bone.high for bone in bones)
    assert changing(years) != []
    assert changing(two_years(BODY)) == []


@pytest.mark.parametrize(
    "albums",
    [
        (),
        (Album("p00", 2019),),
        (Album("p00", 2019), Album("p00", 2020, photos=LEAST_PHOTOS - 1)),
    ],
    ids=["no photo", "one year", "too few of another"],
)
def test_one_year_alone_is_the_estimate_itself(albums: tuple[Album, ...]) -> None:
    assert years_of(of(*albums)) == []


def test_photos_without_a_time_are_of_no_year() -> None:
    undated = [msgspec.structs.replace(seen, captured_at=None) for seen in of(Album("p00", 2019))]
    years = years_of([*undated, *of(Album("p00", 2020), Album("p00", 2021))])
    assert [year.year for year in years] == ["2020", "2021"]
