"""The terminal's model commands, and their catalogue `.test-models/catalog.json` (docs/contract.md, section 1.3)."""

from __future__ import annotations

import argparse
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mocks.common import clock, files, machine
from mocks.common.errors import RbeeError

DIRECTORY = Path(".test-models")
CATALOG = DIRECTORY / "catalog.json"

_MEMBERS = {"id", "name", "path", "size_gb", "architecture", "downloaded", "metadata"}
_FILES = ("*.safetensors", "*.json", "tokenizer.model")


def rfc3339() -> str:
    """This moment on the clock, in UTC."""
    return datetime.fromtimestamp(clock.now_us() // 1_000_000, UTC).isoformat().replace("+00:00", "Z")


def find(model_id: str) -> dict[str, Any]:
    """The entry of a model. Raises RbeeError MODEL_NOT_FOUND."""
    return _entry(_read(), model_id)


def download(arguments: argparse.Namespace) -> int:
    """Fetch a registered model's files with the program `hf`. Raises RbeeError when that fails, OSError without it."""
    catalog = _read()
    model = _entry(catalog, arguments.model)
    print(f"📦 Downloading {model['id']} from {model['metadata']['repo']}", flush=True)
    argv = ["hf", "download", model["metadata"]["repo"], "--include", *_FILES, "--local-dir", model["path"]]
    code = subprocess.run(argv, check=False).returncode
    if code != 0:
        raise RbeeError("DOWNLOAD_FAILED", f"Download of {model['id']} failed: hf ended with exit code {code}")
    size_bytes = sum(file.stat().st_size for file in Path(model["path"]).rglob("*") if file.is_file())
    model.update(downloaded=True, size_gb=round(size_bytes / 2**30, 2))
    _write(catalog)
    print(f"✅ Model downloaded to {model['path']}")
    return 0


def list_downloaded(_: argparse.Namespace) -> int:
    """Print the models that are on this machine."""
    models = [model for model in _read()["models"] if model["downloaded"]]
    _print(models, "No models downloaded")
    return 0


def list_registered(_: argparse.Namespace) -> int:
    """Print all models of the catalogue."""
    _print(_read()["models"], "No models registered")
    return 0


def register(arguments: argparse.Namespace) -> int:
    """Add a model to the catalogue. Raises RbeeError INVALID_REQUEST when its id is taken, or leads elsewhere."""
    catalog = _read()
    if not (DIRECTORY / arguments.id).resolve().is_relative_to(DIRECTORY.resolve()):
        raise RbeeError("INVALID_REQUEST", f"Model '{arguments.id}' would have its files outside {DIRECTORY}")
    if any(model["id"] == arguments.id for model in catalog["models"]):
        raise RbeeError("INVALID_REQUEST", f"Model '{arguments.id}' is already registered in {CATALOG}")
    model = {
        "id": arguments.id,
        "name": arguments.name,
        "path": str(DIRECTORY / arguments.id),
        "format": "safetensors",
        "size_gb": 0.0,
        "architecture": arguments.architecture,
        "downloaded": False,
        "backends": ["cpu", "metal", "cuda"],
        "metadata": {"repo": arguments.repo},
    }
    catalog["models"].append(model)
    _write(catalog)
    print(f"✅ Model '{arguments.id}' registered")
    return 0


def unregister(arguments: argparse.Namespace) -> int:
    """Remove a model from the catalogue; its files stay. Raises RbeeError MODEL_NOT_FOUND."""
    catalog = _read()
    catalog["models"].remove(_entry(catalog, arguments.id))
    _write(catalog)
    print(f"✅ Model '{arguments.id}' unregistered")
    return 0


def _read() -> dict[str, Any]:
    try:
        catalog = json.loads(files.read_text(CATALOG))
    except FileNotFoundError:
        return {"version": "1.0", "pool_id": machine.node_host(), "updated_at": rfc3339(), "models": []}
    except (ValueError, RecursionError) as failure:
        raise RbeeError("INTERNAL_ERROR", f"{CATALOG} is not JSON ({failure}); mend it or move it away") from failure
    models = catalog.get("models") if isinstance(catalog, dict) else None
    if not isinstance(models, list):
        raise RbeeError("INTERNAL_ERROR", f"{CATALOG} has no list `models`; mend it or move it away")
    if not all(isinstance(model, dict) and model.keys() >= _MEMBERS and _repo(model) for model in models):
        known = ", ".join(sorted(_MEMBERS))
        raise RbeeError("INTERNAL_ERROR", f"A model in {CATALOG} lacks one of {known}; mend it or move it away")
    return dict(catalog)


def _repo(model: dict[str, Any]) -> str | None:
    metadata = model["metadata"]
    repo = metadata.get("repo") if isinstance(metadata, dict) else None
    return repo if isinstance(repo, str) else None


def _write(catalog: dict[str, Any]) -> None:
    catalog["updated_at"] = rfc3339()
    DIRECTORY.mkdir(exist_ok=True)
    files.write_text(CATALOG, json.dumps(catalog, indent=2, ensure_ascii=False) + "\n")


def _entry(catalog: dict[str, Any], model_id: str) -> dict[str, Any]:
    model: dict[str, Any]
    for model in catalog["models"]:
        if model["id"] == model_id:
            return model
    raise RbeeError("MODEL_NOT_FOUND", f"Model '{model_id}' not found in {CATALOG}; see `rbee-hive models catalog`")


def _print(models: list[dict[str, Any]], none: str) -> None:
    if not models:
        print(none)
    for model in models:
        state = "downloaded" if model["downloaded"] else "not downloaded"
        print(f"{model['id']}  {model['name']} ({model['architecture']}, {model['size_gb']} GB, {state})")
        print(f"  Repo: {_repo(model)}")
        print(f"  Path: {model['path']}")
