"""Markdown of one OpenAPI document: its operations, then the objects that answers refer to."""

from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


def render(document: dict[str, Any], name: str) -> str:
    """Return the section of docs/contracts/{name}.yaml."""
    info = document["info"]
    text = f"\n## {info['title']}\n\n{info['description'].strip()}\n\n"
    text += f"Version {info['version']}, [OpenAPI](../contracts/{name}.yaml)\n"
    bodies = set()
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                each = {**item[method], "parameters": item.get("parameters", []) + item[method].get("parameters", [])}
                text += operation(document, name, f"{method.upper()} {path}", each)
                bodies.add(body_of(each).get("$ref"))
    for schema, value in document["components"].get("schemas", {}).items():
        if f"#/components/schemas/{schema}" not in bodies:
            shown = fields(document, name, value) if "properties" in value else values(name, value)
            text += f"\n#### {schema} {{: #{anchor(name, schema)} }}\n\n{shown}"
    return text


def operation(document: dict[str, Any], name: str, title: str, each: dict[str, Any]) -> str:
    text = f"\n### `{title}`\n\n{each['summary']}."
    text += f" {each['description'].strip()}" if "description" in each else ""
    if each["parameters"]:
        text += "\n\n| parameter | in | required | meaning |\n|---|---|---|---|\n"
        text += "".join(parameter(followed(document, row)) for row in each["parameters"])
    if body := body_of(each):
        text += f"\n\nBody:\n\n{fields(document, name, followed(document, body))}"
    text += "\n\n| status | meaning | body |\n|---|---|---|\n"
    return text + "".join(response(document, name, *row) for row in each["responses"].items())


def body_of(each: dict[str, Any]) -> dict[str, Any]:
    return json_schema(each.get("requestBody", {}))


def json_schema(message: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = message.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def parameter(each: dict[str, Any]) -> str:
    required = "yes" if each.get("required") else ""
    return f"| `{each['name']}` | {each['in']} | {required} | {each.get('description', '')} |\n"


def response(document: dict[str, Any], name: str, status: str, answer: dict[str, Any]) -> str:
    answer = followed(document, answer)
    schema = json_schema(answer)
    shown = "any other" if status == "default" else status
    return f"| {shown} | {' '.join(answer['description'].split())} | {kind(name, schema) if schema else ''} |\n"


def fields(document: dict[str, Any], name: str, schema: dict[str, Any]) -> str:
    head = "| field | type | required | meaning |\n|---|---|---|---|\n"
    return head + "".join(rows(document, name, schema, ""))


def values(name: str, schema: dict[str, Any]) -> str:
    """Return the paragraph of a schema that isn't an object: its type or values, and its meaning."""
    return f"{kind(name, schema)}. {' '.join(schema.get('description', '').split())}\n"


def rows(document: dict[str, Any], name: str, schema: dict[str, Any], prefix: str) -> list[str]:
    """Return a table row per property; the properties of inline objects and lists follow theirs."""
    found = []
    for field, value in schema["properties"].items():
        required = "yes" if field in schema.get("required", []) else ""
        meaning = " ".join(value.get("description", "").split())
        found.append(f"| `{prefix}{field}` | {kind(name, value)} | {required} | {meaning} |\n")
        inner = value.get("items", value)
        if "properties" in inner:
            found += rows(document, name, inner, f"{prefix}{field}[]." if "items" in value else f"{prefix}{field}.")
    return found


def kind(name: str, schema: dict[str, Any]) -> str:
    """Return a type as a reader writes it; objects of the document are links."""
    if "$ref" in schema:
        target = schema["$ref"].rsplit("/", 1)[1]
        return f"[{target}](#{anchor(name, target)})"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"] if value)
    types = schema.get("type", "")
    shown = " or ".join(types) if isinstance(types, list) else types
    if shown == "array":
        return "list" if "properties" in schema["items"] else f"list of {kind(name, schema['items'])}"
    limit = f", at most {schema['maxLength']:,}" if "maxLength" in schema else ""
    return f"{schema.get('format', '')} {shown}".strip() + limit


def anchor(name: str, schema: str) -> str:
    return f"{name}-{schema.lower()}"


def followed(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return what a $ref within the document names, or the value itself."""
    found = document
    for part in value["$ref"].split("/")[1:] if "$ref" in value else ():
        found = found[part]
    return found if "$ref" in value else value
