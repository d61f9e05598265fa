"""What the documentation's site takes from the code: a hook of mkdocs (see mkdocs.yml).

A page asks for a part with a comment of its own line, ``<!-- made from code: NAME -->``; in the
site the part stands in its place. The schemas become files of the site.
"""

from __future__ import annotations

import functools
import json
import re
import typing
from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from avatarrig import cli, wire
from avatarrig.cli.options.kafka import NAMES, SECTION, KafkaOption
from avatarrig.cli.options.settings_file import settings_of
from avatarrig.detectors.quality import Quality
from avatarrig.metrics.reference import reference as metrics
from avatarrig.wire import topics
from avatarrig.wire.estimate_schema import estimate_schema
from avatarrig.wire.reasons import Exclusion, RejectReason

MARK = re.compile(r"^<!-- made from code: ([a-z-]+) -->$", re.MULTILINE)
RECORDS = (
    wire.PhotoReference,
    wire.Observation,
    wire.Evidence,
    wire.Reject,
    wire.Departed,
    wire.TallyUpdate,
    wire.SkeletonRecord,
)
ESTIMATE_SCHEMA = "skeleton_estimate.schema.json"


class UnknownPartError(ValueError):
    """A page asks for a part that is not made here."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Puts the parts made from code into a page."""
    return MARK.sub(lambda match: _part(match[1]), markdown)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the schemas to the site."""
    for name, schema in schemas().items():
        content = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        files.append(File.generated(config, f"reference/schemas/{name}", content=content))
    return files


def schemas() -> dict[str, dict[str, Any]]:
    """Gives every JSON Schema by its file's name."""
    return {ESTIMATE_SCHEMA: estimate_schema()} | {
        f"{record.__name__}.schema.json": msgspec.json.schema(record) for record in RECORDS
    }


def _part(name: str) -> str:
    if name not in PARTS:
        raise UnknownPartError(f"no part {name!r} is made from code; there are {sorted(PARTS)}")
    return PARTS[name]()


def records_part() -> str:
    """Describes the records by their classes."""
    lines: list[str] = []
    for record in RECORDS:
        summary, about = _docstring(record)
        lines += [f"### {record.__name__}", "", summary, ""]
        lines += ["| field | type | if missing | what it holds |", "|---|---|---|---|"]
        hints = typing.get_type_hints(record)
        for field in msgspec.structs.fields(record):
            words = about.get(field.name, "")
            kind = _type_name(hints[field.name])
            lines.append(f"| `{field.name}` | `{kind}` | {_default(field)} | {words} |")
        lines += ["", f"[JSON Schema](schemas/{record.__name__}.schema.json)", ""]
    return "\n".join(lines)


def topics_part() -> str:
    """Lists the topics and the settings that they are created with."""
    lines = ["| topic | settings |", "|---|---|"]
    for topic in topics.pipeline_topics():
        settings = ", ".join(f"`{key}={value}`" for key, value in topic.settings.items())
        lines.append(f"| `{topic.name}` | {settings} |")
    return "\n".join(lines)


def settings_part() -> str:
    """Lists all settings: [kafka] first, then a table for each command."""
    root = click.Context(cli.avatarrig, info_name="avatarrig")
    kafka: dict[str, click.Option] = {}
    tables: dict[str, list[click.Option]] = {}
    for name, command in _commands(root):
        for option in settings_of(command):
            if isinstance(option, KafkaOption):
                kafka.setdefault(option.name or "", option)
            else:
                tables.setdefault(name, []).append(option)
    first = [kafka[name] for name in NAMES if name in kafka]
    lines = _settings_table(SECTION, first, lambda option: str(option.envvar))
    for name, options in tables.items():
        prefix = f"{cli.ENVIRONMENT_PREFIX}_{name.replace('.', '_').upper()}"
        lines += _settings_table(name, options, functools.partial(_variable, prefix))
    return "\n".join(lines)


def quality_part() -> str:
    """Describes the quality metrics of an observation."""
    _, about = _docstring(Quality)
    return "\n".join(
        ["| metric | meaning |", "|---|---|"]
        + [f"| `{name}` | {words} |" for name, words in about.items()]
    )


def reasons_part(kind: type[Exclusion | RejectReason]) -> str:
    """Lists why photos do not count, or are rejected."""
    return "\n".join(
        ["| reason | in words |", "|---|---|"]
        + [f"| `{reason}` | {reason.words} |" for reason in kind]
    )


def estimate_schema_part() -> str:
    """Lists what ``skeleton_estimate.json`` holds."""
    schema = schemas()[ESTIMATE_SCHEMA]
    lines = ["| key | type | what it holds |", "|---|---|---|"]
    lines += [f"| `{key}` | {kind} | {words} |" for key, kind, words in _properties(schema, schema)]
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "records": records_part,
    "topics": topics_part,
    "settings": settings_part,
    "quality": quality_part,
    "exclusions": lambda: reasons_part(Exclusion),
    "rejects": lambda: reasons_part(RejectReason),
    "estimate-schema": estimate_schema_part,
    "metrics": metrics,
}


def _commands(context: click.Context, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    group = context.command
    if not isinstance(group, click.Group):
        raise TypeError(f"{group.name} has no commands of its own")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield prefix + name, command
        if isinstance(command, click.Group):
            yield from _commands(click.Context(command, context), f"{prefix}{name}.")


def _variable(prefix: str, option: click.Option) -> str:
    return f"{prefix}_{(option.name or '').upper()}"


def _settings_table(
    table: str, options: list[click.Option], variable: Callable[[click.Option], str]
) -> list[str]:
    lines = [f"### [{table}]", "", "| setting | environment | default | what it does |"]
    lines.append("|---|---|---|---|")
    for option in options:
        text = (option.help or "").replace("|", "\\|")
        lines.append(f"| `{option.name}` | `{variable(option)}` | {_shown(option)} | {text} |")
    return [*lines, ""]


def _shown(option: click.Option) -> str:
    """The default as help shows it, whatever machine this is."""
    if isinstance(option.show_default, str):
        return option.show_default
    default = option.to_info_dict()["default"]
    if default is None or default == () or callable(option.default):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _docstring(owner: type) -> tuple[str, dict[str, str]]:
    """Splits a docstring into its summary and what it says of attributes."""
    text = owner.__doc__ or ""
    before, _, after = text.partition("Attributes:")
    about: dict[str, str] = {}
    name = ""
    for line in after.splitlines():
        match = re.match(r"^ {8}(\w+): (.*)$", line)
        if match:
            name = match[1]
            about[name] = match[2]
        elif name and line.strip():
            about[name] += " " + line.strip()
    summary = " ".join(line.strip() for line in before.splitlines()).strip()
    return _code(summary), {name: _code(words) for name, words in about.items()}


def _code(words: str) -> str:
    """Turns the docstrings' double backticks into Markdown's."""
    return words.replace("``", "`").replace("|", "\\|")


def _type_name(hint: object) -> str:
    name = getattr(hint, "__name__", None) if isinstance(hint, type) else None
    name = name if name and not typing.get_args(hint) else str(hint)
    return re.sub(r"\b(?:avatarrig\.wire(?:\.\w+)?|typing)\.", "", name).replace("|", "or")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "refused"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{default!r}`"


def _properties(
    node: dict[str, Any], schema: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str, str]]:
    node = _resolved(node, schema)
    for name, child in node.get("properties", {}).items():
        inner = _resolved(child, schema)
        words = child.get("description") or inner.get("description") or ""
        yield f"{prefix}{name}", _kind(inner), words.replace("|", "\\|")
        yield from _properties(inner, schema, f"{prefix}{name}.")
    each = node.get("additionalProperties")
    if not isinstance(each, dict):
        return
    key = "BONE" if "propertyNames" in node else "*"
    inner = _resolved(each, schema)
    if key == "BONE":
        yield f"{prefix}{key}", _kind(inner), inner.get("description", "").replace("|", "\\|")
    yield from _properties(inner, schema, f"{prefix}{key}.")


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: dict[str, Any] = schema
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def _kind(node: dict[str, Any]) -> str:
    kind = node.get("type", "") or [each.get("type", "") for each in node.get("anyOf", ())]
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
