"""The page's answers, without a server."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from unittest.mock import Mock

from aiohttp.test_utils import make_mocked_request

from avatarrig.body.rig.names import NAMINGS
from avatarrig.page.page import Page
from avatarrig.page.settings import PageSettings
from avatarrig.views import EMPTY


def page() -> Page:
    views = SimpleNamespace(trouble="", snapshot=lambda: EMPTY)
    photos = SimpleNamespace(version=0)
    return Page(views, photos, PageSettings(), observed=Mock())


def test_a_browser_that_has_gone_before_its_stream_begins_is_no_error() -> None:
    gone = Mock(family=socket.AF_INET, getsockopt=Mock(side_effect=OSError("bad descriptor")))
    transport = Mock(get_extra_info=Mock(return_value=gone))
    request = make_mocked_request("GET", "/events", transport=transport)
    answer = asyncio.run(page()._events(request))
    assert not answer.prepared


def test_armatures_are_offered_with_the_names_that_export_knows() -> None:
    shown = page()
    shown._content = Mock(is_known=Mock(return_value=True))
    offered = asyncio.run(shown._subject(make_mocked_request("GET", "/subject?name=anna"))).text
    assert offered is not None
    assert all(f"<option>{naming}</option>" in offered for naming in NAMINGS)
