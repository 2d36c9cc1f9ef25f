"""The compiled converter; absent in a package that was built without it."""

from typing_extensions import Buffer

def convert(
    path: str,
    weights: Buffer | None,
    *,
    name: str = "",
    description: str = "",
    recipe: str = "",
    numbers: str = "",
    rows: str = "",
    labels: list[str] = ...,
    budget: list[str] = ...,
    quantize: bool = False,
    weight_type: str = "f32",
    table_type: str = "f32",
    golden_rows: int = 8,
    seed: int = 1,
) -> tuple[bytes, str, list[str], str, int, float, int, float]: ...
def describe(path: str, weights: Buffer | None, *, description: str = "", recipe: str = "") -> str: ...
