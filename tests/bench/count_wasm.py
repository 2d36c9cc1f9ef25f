#!/usr/bin/env python3
"""Instructions of WebAssembly per row of score(): count_wasm.py MODULE SET MODEL BATCH CALLS

MODULE is score_calls_wasm.cpp, compiled, and SET the number of a kernel set in it. The count is wasmtime's fuel, of which every instruction takes one. Needs the
package wasmtime of PyPI; exit code 77 without it.
"""

import ctypes
import pathlib
import sys

try:
    import wasmtime
except ImportError as error:
    print(f"count_wasm.py: {error}", file=sys.stderr)
    sys.exit(77)

FUEL = 10 ** 12


def main():
    module, model = sys.argv[1], pathlib.Path(sys.argv[3]).read_bytes()
    kernel_set, batch, calls = int(sys.argv[2]), int(sys.argv[4]), int(sys.argv[5])
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    store.set_fuel(FUEL)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    exports = linker.instantiate(store, wasmtime.Module.from_file(engine, module)).exports(store)
    if "_initialize" in exports:
        exports["_initialize"](store)
    at = exports["model_buffer"](store)
    ctypes.memmove(ctypes.addressof(exports["memory"].data_ptr(store).contents) + at, model, len(model))
    failed = exports["prepare"](store, len(model), batch, kernel_set)
    before = store.get_fuel()
    if failed or exports["score"](store, calls):
        sys.exit(f"error: {model} cannot be scored ({failed})")
    print((before - store.get_fuel()) // (batch * calls))


if __name__ == "__main__":
    main()
