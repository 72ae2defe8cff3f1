"""What the shapes of all answers are made of."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

# Fields are described by the text under them.
SHAPE: Final = ConfigDict(use_attribute_docstrings=True)

Instant = Annotated[
    str,
    Field(json_schema_extra={"format": "date-time"}, examples=["2024-05-23T07:00:00.000Z"]),
]

RegisterValue = Annotated[
    Any,
    Field(
        description=(
            "What a register shows: most are numbers, some texts, dates or lists. Energy is in "
            "kWh, reactive energy in kvarh, power in kW; `meta` names the unit of each."
        ),
        examples=[10843.27, "G12w", [211, 1733]],
    ),
]
