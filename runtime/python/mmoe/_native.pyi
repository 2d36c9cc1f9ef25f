"""The compiled part of the package."""

from typing import Any, Literal, final

from typing_extensions import Buffer

version: str

def kernel_sets() -> list[tuple[str, int, bool, bool]]: ...
def status_name(status: int, /) -> str: ...

@final
class ArrowColumn: ...

def arrow_batches(table: Any, /) -> list[tuple[int, dict[str, ArrowColumn | None]]]: ...

@final
class ThreadPool:
    """Threads that score, for any number of sessions, which take turns. They sleep while there is nothing to do."""

    def __new__(cls, num_threads: int) -> ThreadPool: ...
    @property
    def num_threads(self) -> int: ...

class Model:
    def __new__(cls, source: Any, *, verify_checksums: bool = False, copy: bool = False) -> Model: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    @property
    def name(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    @property
    def tasks(self) -> tuple[str, ...]: ...
    @property
    def input_dim(self) -> int: ...
    @property
    def user_dim(self) -> int: ...
    @property
    def candidate_dim(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def tolerance_without_fma(self) -> float: ...
    @property
    def _features(self) -> tuple[dict[str, Any], ...]: ...
    def verify_checksums(self) -> None:
        """Compare every byte of the file with its checksum. ModelError: the message names the segment."""
    def find_id(self, feature: str, value: str | int | float, /) -> int | None:
        """The id of a category (a float: of its bin), None where the vocabulary does not hold it."""
    def num_categories(self, feature: str, /) -> int:
        """How many categories the vocabulary lists, for a menu: 0 of numbers, and where ids are computed: buckets of a
        hash, bins, parts of a date."""
    def expert_reads(self, level: int, expert: int, gate: int, /) -> bool:
        """Whether an expert of a level reads what a gate of the level before gives, by the numbers of mmoe.Gate. What a
        node between them gives is not followed."""
    def _category(self, feature: str, place: int, /) -> tuple[str | int, int | None]: ...
    def _golden_rows(self) -> tuple[memoryview, memoryview, memoryview, bool]: ...

class Session:
    def __new__(
        cls,
        model: Model,
        threads: int | ThreadPool = 1,
        *,
        tasks: list[str] | list[int] | tuple[str, ...] | None = None,
        max_batch: int | None = None,
        top_k: int | None = None,
        kernel_set: str | None = None,
        renormalise: bool = True,
        non_finite: Literal["nan", "error"] = "nan",
        min_gate_weight: float = 0,
        skip_experts: Literal["where_faster", "always", "never"] = "where_faster",
        max_ids: int | None = None,
        max_steps: int | None = None,
        max_arena_bytes: int | None = None,
        max_multiply_adds: int | None = None,
    ) -> Session: ...
    @property
    def model(self) -> Any: ...
    @property
    def closed(self) -> bool: ...
    @property
    def num_workers(self) -> int: ...
    @property
    def num_gate_weights(self) -> int: ...
    @property
    def num_logits(self) -> int: ...
    @property
    def top_k(self) -> int: ...
    @property
    def multiply_adds_per_row(self) -> int: ...
    @property
    def kernel_set(self) -> str: ...
    @property
    def is_exact(self) -> bool: ...
    @property
    def _task_indices(self) -> tuple[int, ...]: ...
    @property
    def _gates(self) -> tuple[tuple[str, int, int, int, tuple[int, ...], int], ...]: ...
    def score(
        self,
        x: Any,
        out: Buffer | None = None,
        *,
        user: Any = None,
        candidates: bool = False,
        gates: Buffer | None = None,
        logits: Buffer | None = None,
    ) -> Any:
        """Score rows of x: float32, [rows, model.input_dim], or one row [model.input_dim]."""
    def set_user(self, user: Any, /) -> None:
        """Take one row of the user's part of x, [model.user_dim], for score(..., candidates=True)."""
    def _score_columns(
        self,
        num_rows: int,
        columns: list[tuple[int, bool, Any]],
        single: bool,
        out: Buffer | None,
        user: list[tuple[int, bool, Any]] | None,
        candidates: bool,
        gates: Buffer | None,
        logits: Buffer | None,
        /,
    ) -> Any: ...
    def _set_user_columns(self, columns: list[tuple[int, bool, Any]], /) -> None: ...
    def _replay_golden(self) -> tuple[Any, ...]: ...
    def close(self) -> None:
        """Free the session's memory now."""
