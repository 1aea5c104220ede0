"""What a scenario finds when it begins: hives that run, models that lie there, workers that are loaded, slots that are
taken.

All of it is arranged by real programs and real requests. Raises StageError when it does not come about."""

from __future__ import annotations

import shutil
import signal
from typing import Any

from harness import fixtures
from harness.acts import catalogue
from harness.checks import one_worker
from harness.stage import Stage, StageError

TOKEN = {"event": "passed", "path": "/v1/inference", "data": {"type": "token"}}  # one passes from worker to queen
LONG_TOKENS = (
    2048  # the most that a worker takes; at its pace longer than all retries (docs/contract.md, section 9 row 13)
)
LOADING_LIMIT_S = 60  # a worker loads TEST-001's model in 3.2 s on its clock; a slow machine in real time takes longer


def hive_runs(stage: Stage, node: str) -> int:
    """An operator has started a hive on `node`, and it answers. Its pid."""
    pid = _start_hive(stage, node)
    health = stage.ask_starting("rbee-hive", hive_url(stage, node, "/v1/health"))
    if health.status_code != 200:
        raise StageError(f"the hive on {node} answers {health.status_code} {health.text}")
    return pid


def api_key_is(stage: Stage, node: str, key: str) -> None:
    """The configuration of the user of `node` has this API key."""
    file = stage.places[node].path(fixtures.API_KEY_FILE)
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"api_key: {key}\n")


def hive_asks_for_key(stage: Stage, node: str, key: str) -> None:
    """An operator has started a hive on `node` that lets in who shows this API key, and nobody who shows none."""
    api_key_is(stage, node, key)
    _start_hive(stage, node)
    url = hive_url(stage, node, "/v1/health")
    without, with_key = stage.ask_starting("rbee-hive", url), stage.ask("GET", url, api_key=key)
    if (without.status_code, with_key.status_code) != (401, 200):
        raise StageError(f"the hive answers {without.status_code} without a key, {with_key.status_code} with its own")


def hive_restarts(stage: Stage, node: str) -> None:
    """The hive that an operator started on `node` is killed (SIGKILL), and another one started. Its workers live on."""
    pid = stage.evidence.run("rbee-hive").pid
    stage.signal(pid, signal.SIGKILL)
    stage.flow({"exit": pid})
    hive_runs(stage, node)


def rbee_is_not_installed(stage: Stage, node: str) -> None:
    """Nothing of rbee lies in the install path of `node`."""
    shutil.rmtree(stage.places[node].path(fixtures.INSTALL_PATH))


def hive_url(stage: Stage, node: str, path: str) -> str:
    """The address of a route of the hive on `node`."""
    return f"http://{stage.places[node].host}:{stage.settings.hive.port}{path}"


def _start_hive(stage: Stage, node: str) -> int:
    address = "0.0.0.0" if stage.settings.isolation == "namespaces" else stage.places[node].address
    return stage.start(stage.settings.hive.command(address), node=node)


def model_lies_on(stage: Stage, node: str, model: str, path: str, **description: Any) -> None:
    """`model` has been downloaded to `node` earlier: a file of this description (size_bytes …) lies at `path`, and the
    catalogue has its row."""
    wanted = {"size_bytes": fixtures.MODEL_BYTES, **description}
    file = stage.place_model(node, path, **wanted)
    downloaded_at = stage.evidence.epoch_us // 1_000_000
    catalogue.add(stage.places[node], model, str(file), wanted["size_bytes"], downloaded_at)


def model_of_size(stage: Stage, node: str, size_mb: int) -> None:
    """TEST-001's model has been downloaded to `node` earlier, in a version of `size_mb` MB (MiB)."""
    model_lies_on(stage, node, fixtures.MODEL, fixtures.MODEL_PATH, size_bytes=size_mb * 2**20)


def vram_free(stage: Stage, node: str, device: int, free_mb: int) -> None:
    """The CUDA device `device` of `node` has `free_mb` MB free; the others keep what they have."""
    rows = (stage.places[node].directory / "facts" / "cuda").read_text().splitlines()
    free = {**dict(row.split() for row in rows), str(device): str(free_mb)}
    stage.set_fact(node, "cuda", "".join(f"{index} {mb}\n" for index, mb in free.items()))


def backends_are(stage: Stage, node: str, backends: str) -> None:
    """`rbee-hive detect` finds exactly these backends on `node`, as it lists them (`cpu, cuda`)."""
    stage.run("rbee-hive detect", node=node)
    said = stage.evidence.run("rbee-hive").printed("stdout")
    found = [line.split()[1].rstrip(":") for line in said.splitlines() if line.startswith("  - ")]
    if ", ".join(found) != backends:
        raise StageError(f"rbee-hive detect finds {found} on {node}, not {backends}; it said: {said or 'nothing'}")


def worker_is_idle(stage: Stage, node: str, worker_id: str) -> None:
    """A worker of this id, with TEST-001's model, is loaded on device 1 of `node` and idle; its hive runs (it is
    started if not)."""
    since = stage.told
    worker_loads(stage, node, worker_id, backend="cuda", device=1)
    idle = {"event": "asked", "path": "/v1/workers/state", "body": {"worker_id": worker_id, "state": "idle"}}
    gone = [stage.watch(worker.pid, worker.program) for worker in one_worker.living(stage.evidence, worker_id)]
    limit = {"at_us": stage.now_us + LOADING_LIMIT_S * 1_000_000}
    met = stage.flow({"event": idle}, limit, *gone, since=since)
    if met == 1:
        raise StageError(f"{worker_id} on {node} was not idle {LOADING_LIMIT_S} s after it was started")
    if met > 1:
        raise StageError(f"{worker_id} on {node} has ended before it was idle")


def worker_loads(stage: Stage, node: str, worker_id: str, *, backend: str, device: int) -> None:
    """The hive of `node`, which is started if none runs, has started a worker of this id, with TEST-001's model."""
    if not stage.evidence.processes("rbee-hive", node):
        hive_runs(stage, node)
    model_lies_on(stage, node, fixtures.MODEL, fixtures.MODEL_PATH)
    body = {
        "worker_id": worker_id,
        "model_ref": fixtures.MODEL,
        "backend": backend,
        "device": device,
        "model_path": str(stage.places[node].path(fixtures.MODEL_PATH)),
    }
    spawned = stage.ask("POST", hive_url(stage, node, "/v1/workers/spawn"), json=body)
    if spawned.status_code != 200:
        raise StageError(f"the hive on {node} did not start {worker_id}: {spawned.status_code} {spawned.text}")


def slot_is_taken(stage: Stage, node: str) -> None:
    """Another user's request of 2048 tokens has the only slot of the worker on `node`: its first token has passed."""
    stage.start_until(infer(node, prompt="tell me a long story", max_tokens=LONG_TOKENS), {"event": TOKEN})


def loading_stops_dead(stage: Stage, node: str, layers: int, max_tokens: int) -> None:
    """A user asks `node` for an inference; when so many layers of its model are loaded, the new worker there is
    stopped (SIGSTOP), and does nothing more. Time flows until the user's program has ended."""
    loaded = {"event": "passed", "path": "/v1/loading/progress", "data": {"layers_loaded": layers}}
    user = stage.start_until(infer(node, max_tokens=max_tokens), {"event": loaded})
    stage.signal(stage.evidence.process("llm-worker-rbee", node).pid, signal.SIGSTOP)
    stage.flow({"exit": user})


def infer(
    node: str,
    *,
    model: str = fixtures.MODEL,
    prompt: str = fixtures.PROMPT,
    max_tokens: int = 20,
    backend: str = "cuda",
    device: int = 1,
) -> str:
    """The command line of an inference on `node`, by default with TEST-001's model."""
    return (
        f"rbee-keeper infer --node {node} --model {model} --prompt '{prompt}' --max-tokens {max_tokens}"
        f" --temperature 0.7 --backend {backend} --device {device}"
    )
