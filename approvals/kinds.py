"""Types that the schemas of actions share, and the canonical JSON behind their digests. Pure: no Django, no HTTP.

The kinds themselves are in `approvals.effects.kinds`.
"""

import hashlib
import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from agentops.lib.errors import Refused

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
OrderId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(gt=0, le=10**15)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @field_validator("*")
    @classmethod
    def storable(cls, value: Any) -> Any:
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("contains a NUL character")  # PostgreSQL can't store one
        return value


def noun(kind: str) -> str:
    """Return what a kind is called inside a sentence: "refund", "cancellation"."""
    return "cancellation" if kind == "cancel_order" else kind.replace("_", " ")


def parse_strictly[Schema: BaseModel](schema: type[Schema], arguments: Any) -> Schema:
    """Validate JSON values against a schema. Raises Refused("invalid_arguments"), which names each wrong field."""
    try:
        # JSON text, so that strict mode reads JSON's own types (lists, numbers) and nothing looser.
        return schema.model_validate_json(json.dumps(arguments))
    except ValidationError as error:
        fields = {".".join(map(str, item["loc"])) or "arguments": item["msg"] for item in error.errors()}
        raise Refused(
            "invalid_arguments",
            "; ".join(f"{field}: {message}" for field, message in fields.items()),
            fields=fields,
            valid=sorted(schema.model_fields),
        ) from None


def first_faults(error: ValidationError) -> str:
    """Return what is wrong with the first fields, for people: "amount: Field required; currency: …"."""
    wrong = [f"{'.'.join(map(str, row['loc'])) or 'the whole'}: {row['msg']}" for row in error.errors()]
    return "; ".join(wrong[:3])


def canonical(value: Any) -> str:
    """Return the same text for equal JSON values, whatever the order of their keys. Digests are taken of it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def json_digest(params: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) of the parameters, which a decision is bound to."""
    return hashlib.sha256(canonical(params).encode()).hexdigest()


def same_effect(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two sets of parameters describe the same effect, whatever their reasons say."""
    return {**one, "reason": ""} == {**other, "reason": ""}
