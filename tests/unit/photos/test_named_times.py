"""A file's name tells when the photo was taken, where nothing in the file does."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.texts import texts

from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.named_times import moment_in_name

AT_TEN = "2023-05-06T10:11:12"
AT_NIGHT = "2023-05-06T22:11:12"
DAY = "2023-05-06T00:00:00"
WITH_FRACTION = "2023-05-06T10:11:12.345"

PHONES = [
    ("IMG_20230506_101112.jpg", AT_TEN),
    ("IMG_20230506_101112_HDR.jpg", AT_TEN),
    ("IMG_20230506_101112345.jpg", WITH_FRACTION),
    ("IMG_20230506_101112~2.jpg", AT_TEN),
    ("IMG20230506101112_BURST000_COVER.jpg", AT_TEN),
    ("00000IMG_00000_BURST20230506101112345_COVER.jpg", WITH_FRACTION),
    ("PXL_20230506_101112345.jpg", WITH_FRACTION),
    ("PXL_20230506_101112345.RAW-01.MP.COVER.jpg", WITH_FRACTION),
    ("PXL_20230506_101112345.PORTRAIT-edited.jpg", WITH_FRACTION),
    ("MVIMG_20230506_101112.jpg", AT_TEN),
    ("20230506_101112.jpg", AT_TEN),
    ("20230506_101112(0).jpg", AT_TEN),
    ("20230506_101112.jpg.jpg", AT_TEN),
    ("20230506_10-11-12.jpg", AT_TEN),
    ("Copy of IMG_20230506_101112.jpg", AT_TEN),
    ("WP_20230506_10_11_12_Pro.jpg", AT_TEN),
    ("WIN_20230506_10_11_12_Pro.jpg", AT_TEN),
    ("C360_2023-05-06-10-11-12-345.jpg", WITH_FRACTION),
    ("retouch_2023050610111234.jpg", AT_TEN),
    ("2023_0506_101112_001.JPG", AT_TEN),
    ("DJI_20230506101112_0001_D.JPG", AT_TEN),
    ("Picsart_23-05-06_10-11-12-345.jpg", AT_TEN),
    ("Anna/2019/IMG_20230506_101112.jpg", AT_TEN),
]
SCREENSHOTS = [
    ("Screenshot_20230506-101112.png", AT_TEN),
    ("Screenshot_2023-05-06-10-11-12-345_com.android.chrome.png", WITH_FRACTION),
    ("Screenshot 2023-05-06 101112.png", AT_TEN),
    ("Screenshot 2023-05-06 at 10.11.12 PM.png", AT_NIGHT),
    ("Screenshot 2023-05-06 at 10.11.12\N{NARROW NO-BREAK SPACE}PM.png", AT_NIGHT),
    ("Screenshot 2023-05-06 at 10.11.12\N{NARROW NO-BREAK SPACE}p.m..png", AT_NIGHT),
    ("Bildschirmfoto 2023-05-06 um 10.11.12.png", AT_TEN),
    ("Capture d’écran 2023-05-06 à 10.11.12.png", AT_TEN),  # noqa: RUF001 - as it is named
    ("Captura de pantalla 2023-05-06 a las 10.11.12.png", AT_TEN),
    ("Снимок экрана 2023-05-06 в 10.11.12.png", AT_TEN),
    ("スクリーンショット 2023-05-06 10.11.12.png", AT_TEN),
    ("스크린샷 2023-05-06 오후 10.11.12.png", AT_NIGHT),
    (unicodedata.normalize("NFD", "스크린샷 2023-05-06 오후 10.11.12.png"), AT_NIGHT),
    ("截屏2023-05-06 下午10.11.12.png", AT_NIGHT),
    ("QQ截图20230506101112.png", AT_TEN),
]
MESSENGERS = [
    ("IMG-20230506-WA0012.jpg", DAY),
    ("IMG-20230506-WA0012(1).jpg", DAY),
    ("IMG-20230506-WA0012~2.jpg", DAY),
    ("IMG-20230506-WA0012-edited.jpg", DAY),
    ("WhatsApp Image 2023-05-06 at 10.11.12.jpeg", AT_TEN),
    ("WhatsApp Image 2023-05-06 at 10.11.12 (1).jpeg", AT_TEN),
    ("WhatsApp Image 2023-05-06 at 10.11.12_0a1b2c3d.jpg", AT_TEN),
    ("WhatsApp-Image-2023-05-06-at-10.11.12.jpeg", AT_TEN),
    ("Imagem do WhatsApp de 2023-05-06 à(s) 10.11.12.jpg", AT_TEN),
    ("photo_2023-05-06_10-11-12.jpg", AT_TEN),
    ("photo_12@06-05-2023_10-11-12.jpg", AT_TEN),  # Telegram always names the day first
    ("photo_12@06-05-2023_10-11-12_thumb.jpg", AT_TEN),
    ("signal-2023-05-06-101112.jpg", AT_TEN),
    ("signal-2023-05-06-10-11-12-345-1.jpg", WITH_FRACTION),
    ("viber image 2023-05-06 , 10.11.12.jpg", AT_TEN),
    ("KakaoTalk_20230506_101112345_01.jpg", WITH_FRACTION),
    ("LINE_ALBUM_20190101_230506_1.jpg", DAY),
    ("微信图片_20230506101112.jpg", AT_TEN),
    ("微信图片_202305061011121.jpg", AT_TEN),
    ("mmexport1683367872345.jpg", WITH_FRACTION),
    ("FB_IMG_1683367872000.jpg", AT_TEN),
    ("received_1683367872000.jpeg", AT_TEN),
    ("Snapchat-1683367872.jpg", AT_TEN),
    ("1683367872000 (2).jpg", AT_TEN),
    ("1683367872.jpg", AT_TEN),
    ("1683367872 (1).jpeg", AT_TEN),
    ("IMG_1683367872.jpg", AT_TEN),
    ("Screenshot_1683367872.png", AT_TEN),
    ("wx_camera_1683367872-1.jpg", AT_TEN),
]
PEOPLE_AND_CLOUDS = [
    ("2023-05-06 10.11.12.jpg", AT_TEN),
    ("2023-05-06 10.11.12-1.jpg", AT_TEN),
    ("2023-05-06_10-11-12_UTC.jpg", AT_TEN),
    ("2023-05-06T10_11_12.345Z.jpg", WITH_FRACTION),
    ("20230506T121112+0200.jpg", AT_TEN),
    ("2023-05-06T04.41.12-05.30.jpg", AT_TEN),
    ("20230506T121112+02.jpg", AT_TEN),
    ("2023-05-06 12-11-12 +0200.jpg", AT_TEN),
    ("2023-05-06 12.11.12 GMT+2.jpg", AT_TEN),
    ("2023-05-06T12.11.12+02.00[Europe_Berlin].jpg", AT_TEN),
    ("2023-05-06T10%3A11%3A12.jpg", AT_TEN),
    ("2023-05-06 10\ua78911\ua78912.jpg", AT_TEN),
    ("2023-05-06 10,11,12.jpg", AT_TEN),
    ("2023-05-06 10-11-12-PM.jpg", AT_NIGHT),
    ("2023-05-06-10-11-12-PM.jpg", AT_NIGHT),
    ("20230506_101112 PM.jpg", AT_NIGHT),
    ("2023-05-06 10-11 PM.jpg", "2023-05-06T22:11:00"),
    ("2023-05-06_10h11m12s.jpg", AT_TEN),
    ("2023-05-06, 10-11-12.jpg", AT_TEN),
    ("2023-5-6 10.11.12.jpg", AT_TEN),
    ("2023 05 06 10 11 12.jpg", AT_TEN),
    ("2023-05-06 Anna.jpg", DAY),
    ("2023_05_06_IMG_0001.jpg", DAY),
    ("2023-05-06_0042.jpg", DAY),
    ("Scan_20230506 (2).jpg", DAY),
    ("IMG_0001-20230506.jpg", DAY),
    ("2023年5月6日.jpg", DAY),
    ("2023年05月06日 10时11分12秒.jpg", AT_TEN),
    ("照片 2023-5-6 下午10 11 12.jpg", AT_NIGHT),
    ("사진 2023. 5. 6. 오후 10 11 12.jpg", AT_NIGHT),
    ("Photo 2023-05-06, 10 11 12.jpg", AT_TEN),
    ("Photo on 2023-05-06 at 10.11.jpg", "2023-05-06T10:11:00"),
    ("6 May 2023.jpg", DAY),
    ("May 6, 2023.jpg", DAY),
    ("06-May-2023 10.11.12.jpg", AT_TEN),
    ("6. Mai 2023.jpg", DAY),
    ("6 de mayo de 2023.jpg", DAY),
    ("6 мая 2023.jpg", DAY),
    ("Adobe Scan May 6, 2023.jpg", DAY),
]
DAY_OR_MONTH_FIRST = [
    ("Foto 06-05-23, 10 11 12.jpg", AT_TEN),  # no language with this word has the month first
    ("Foto 06.05.23, 10 11 12.jpg", AT_TEN),
    ("Photo 16-05-23, 10 11 12.jpg", "2023-05-16T10:11:12"),
    ("Photo 5-16-23, 10 11 12 PM.jpg", "2023-05-16T22:11:12"),
    ("Photo 05-05-23, 10 11 12.jpg", "2023-05-05T10:11:12"),
    ("Zdjęcie 06.05.2023, 10 11 12.jpg", AT_TEN),
    ("06.05.2023 10.11.12.jpg", AT_TEN),
    ("16-05-2023 10-11-12.jpg", "2023-05-16T10:11:12"),
    ("CamScanner 05-16-2023 10.11.jpg", "2023-05-16T10:11:00"),
    ("2023-05-06-2023.jpg", DAY),
]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [*PHONES, *SCREENSHOTS, *MESSENGERS, *PEOPLE_AND_CLOUDS, *DAY_OR_MONTH_FIRST],
)
def test_a_name_tells_when_nothing_in_the_file_does(name: str, wanted: str) -> None:
    assert (
        read_capture_time(b"", name=name) == datetime.fromisoformat(wanted + "+00:00").timestamp()
    )


def test_a_zone_is_told_where_the_name_or_its_program_has_one() -> None:
    for name in (
        "Copy of PXL_20230506_101112345.jpg",
        "2023-05-06T10.11.12Z.jpg",
        "1683367872000.jpg",
    ):
        moment = moment_in_name(name)
        assert moment is not None
        assert moment.tzinfo is UTC
    moment = moment_in_name("IMG_20230506_101112.jpg")
    assert moment is not None
    assert moment.tzinfo is None


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0042.jpg",
        "IMG_20231306_101112.jpg",
        "IMG_18230506_101112.jpg",
        "12345678_20190506129956789_n.jpg",
        "12345678_123456789012345_1234567890123456789_n.jpg",
        "550e8400-e29b-41d4-a716-446655440000.jpg",
        "20190230.jpg",
        "99999999999.jpg",
        "1683367872_4f1c2d.jpg",
        "1683367872_n.jpg",
        "10155_1683367872.jpg",
        "0683367872.jpg",
        "16833678721.jpg",
        "1683367872123456.jpg",
        "2023.jpg",
        "a20190506f.jpg",
        "20190506/IMG_1.jpg",
        "May 2023.jpg",
        "6 Anna 2023.jpg",
        "Scan 16.05.23.jpg",
        "Photo 06-05-23, 10 11 12.jpg",
        "Photo 5-6-23, 10 11 12 AM.jpg",
        "06-05-2023 10-11-12.jpg",
        "2023-05-06 at 13.11.12 PM.jpg",
        "3 d\u0131c 2023.jpg",
        "3 D\u0130C 2023.jpg",
        "",
    ],
)
def test_what_is_no_moment_or_might_be_two_is_none(name: str) -> None:
    assert read_capture_time(b"", name=name) is None


_WRITTEN = texts(max_size=250) | st.text("0123 -_.,D\u0130Idi\u0131cCJUNju月日", max_size=40)


@given(_WRITTEN)
def test_no_name_brings_the_reader_down(name: str) -> None:
    moment_in_name(name)
    moment_in_name(f"2023-05-06 {name}")
    moment_in_name(f"3 {name} 2023")
    moment_in_name(f"LINE_ALBUM_{name}_230506_1")
