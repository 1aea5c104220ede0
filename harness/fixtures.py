"""The values that TEST-001 uses throughout (docs/contract.md, section 3.2)."""

from __future__ import annotations

QUEEN_URL = "http://localhost:8080"
SSH_USER = "rbee"
SSH_KEY = "~/.ssh/id_ed25519"
GIT_REPO = "https://github.com/user/llama-orch.git"
GIT_BRANCH = "main"
INSTALL_PATH = "~/rbee"
REGISTRY = "~/.rbee/beehives.db"
API_KEY_FILE = "~/.rbee/config.yaml"
CATALOGUE = "~/.rbee/models.db"
MODEL = "hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF"
MODEL_PATH = "/models/tinyllama-q4.gguf"
MODEL_BYTES = 5_242_880
HUB_HOST = "hub.home.arpa"
HUB_PATH = "/TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF/resolve/main/tinyllama-q4.gguf"  # where MODEL leads at the hub
PROMPT = "write a short story"
NOTHING_RUNS = "no queen, hive or worker runs"  # the sentence with which a scenario ends the queen that it found
