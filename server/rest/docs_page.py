"""The documents as a page for people: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

import msgspec

STYLE_PATH: Final = "/docs/style.css"
STYLE: Final = """\
:root { color-scheme: light dark; --line: #8884; --faint: #8882; --accent: #2767b0; }
@media (prefers-color-scheme: dark) { :root { --accent: #7fb4f0; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 1.25rem 4rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
code, pre { font: 0.875em ui-monospace, monospace; }
pre { background: var(--faint); border-radius: 6px; overflow-x: auto; padding: 0.75rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0; padding: 0.5rem 0.75rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 4.5rem; }
dt { font-weight: 600; margin-top: 0.75rem; }
dd { margin-left: 0; }
a { color: var(--accent); }
.open { border: 1px solid var(--line); border-radius: 4px; font-size: 0.75em; padding: 0 0.4em; }
"""


def docs_page(rest: Mapping[str, Any], socket: Mapping[str, Any]) -> str:
    """The page. `rest` is the OpenAPI document, `socket` the AsyncAPI one."""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(rest['info']['title'])}: API</title><link rel=stylesheet href={STYLE_PATH}>"
        f"<h1>{escape(rest['info']['title'])}</h1><p>Version {escape(rest['info']['version'])}. As documents: "
        "<a href=/openapi.json>OpenAPI 3.1</a>, <a href=/asyncapi.json>AsyncAPI 3</a>.</p>"
        f"{_prose(rest['info']['description'])}{''.join(_rest(rest))}"
        f"<h2>The socket</h2>{_prose(socket['info']['description'])}{''.join(_socket(socket))}"
        f"<h2>Types</h2>{''.join(_types(rest, socket))}"
    )


def _rest(document: Mapping[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield _operation(method, path, operation)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    open_ = " <span class=open>no token</span>" if operation.get("security") == [] else ""
    parts = [
        f"<details id={operation['operationId']}><summary><b>{method.upper()}</b> <code>{escape(path)}</code>{open_} ",
        f"{_inline(operation['summary'])}</summary>{_prose(operation.get('description', ''))}<dl>",
    ]
    for parameter in operation.get("parameters", ()):
        needed = "" if parameter["required"] else ", optional"
        parts.append(
            f"<dt><code>{escape(parameter['name'])}</code> in {parameter['in']}{needed}</dt>"
            f"<dd>{_inline(parameter.get('description', ''))} {_schema(parameter['schema'])}</dd>"
        )
    body = operation.get("requestBody")
    if body is not None:
        needed = "" if body["required"] else ", optional"
        parts.append(f"<dt>Body{needed}</dt><dd>{_content(body)}</dd>")
    for status, answer in operation["responses"].items():
        parts.append(f"<dt>{status}</dt><dd>{_inline(answer['description'])} {_content(answer)}</dd>")
    return "".join(parts) + "</dl></details>"


def _content(holder: Mapping[str, Any]) -> str:
    return "".join(_schema(media["schema"]) for media in holder.get("content", {}).values())


def _socket(document: Mapping[str, Any]) -> Iterator[str]:
    messages = document["components"]["messages"]
    for name, channel in document["channels"].items():
        yield f"<h3>Topic <code>{escape(channel['address'])}</code></h3>{_prose(channel['description'])}"
        for key, operation in document["operations"].items():
            if not key.startswith(f"{name}."):
                continue
            arrow = "push" if operation["action"] == "receive" else "event"
            answer = messages.get(f"{key}.ok")
            reply = "" if answer is None else f"<dt>Reply</dt><dd>{_schema(answer['payload'])}</dd>"
            yield (
                f"<details><summary><b>{arrow}</b> <code>{escape(messages[key]['name'])}</code> {_inline(operation['summary'])}</summary>"
                f"<dl><dt>Payload</dt><dd>{_schema(messages[key]['payload'])}</dd>{reply}</dl></details>"
            )


def _types(*documents: Mapping[str, Any]) -> Iterator[str]:
    schemas: dict[str, Any] = {}
    for document in documents:
        schemas |= document["components"]["schemas"]
    for name, schema in sorted(schemas.items()):
        about = _prose(schema.get("description", ""))
        yield f"<details id=type-{escape(name)}><summary><code>{escape(name)}</code></summary>{about}{_schema(schema)}</details>"


def _schema(schema: Mapping[str, Any]) -> str:
    reference = schema.get("$ref")
    if reference is not None:
        name = escape(reference.rpartition("/")[2])
        return f"<a href=#type-{name}><code>{name}</code></a>"
    text = escape(msgspec.json.format(msgspec.json.encode(schema)).decode(), quote=False)
    linked = re.sub(r'"#/components/schemas/(\w+)"', r'"<a href=#type-\1>#/components/schemas/\1</a>"', text)
    return f"<pre>{linked}</pre>"


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())
