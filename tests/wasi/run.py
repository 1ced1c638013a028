"""Runs a WASI 0.2 component with wasmtime, network included: `run.py COMPONENT ARGUMENT...`.

What it is compiled to is kept beside it, because a test starts it again and again.
"""

import sys
from pathlib import Path

from wasmtime import Engine, Store, WasiConfig, _ffi
from wasmtime.component import Component, Linker

path = Path(sys.argv[1])
kept = path.with_suffix(".cwasm")
engine = Engine()
if kept.exists() and kept.stat().st_mtime > path.stat().st_mtime:
    component = Component.deserialize_file(engine, str(kept))
else:
    component = Component.from_file(engine, path)
    kept.write_bytes(component.serialize())

wasi = WasiConfig()
wasi.argv = sys.argv[1:]
wasi.inherit_stdin()
wasi.inherit_stdout()
wasi.inherit_stderr()
# The package has no method for it.
_ffi.wasi_config_inherit_network(wasi.ptr())
store = Store(engine)
store.set_wasi(wasi)

linker = Linker(engine)
linker.add_wasip2()
instance = linker.instantiate(store, component)
run = next(
    instance.get_func(store, instance.get_export_index(store, "run", of))
    for version in range(20)
    if (of := instance.get_export_index(store, f"wasi:cli/run@0.2.{version}"))
)
sys.exit(0 if run(store).tag == "ok" else 1)
