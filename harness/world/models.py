"""Model files for the hub and the nodes: real GGUF, with a length of one's choice and next to nothing on disk.

Header, metadata and vocabulary are written by the `gguf` library. The weights are one tensor of zeros that fills the
file up to its length; as nothing is written there, the file system keeps no blocks for it.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

ALIGNMENT_BYTES = 32
SPECIAL_TOKENS = ("<unk>", "<s>", "</s>")
# The vocabulary on disk is short, whatever `llama.vocab_size` says: to read 32000 pieces takes a second.
WORDS = """
    write a short story tell me the tale of an old king and his three brave children who lived in little house by deep
    dark forest once upon time there was young girl with red cloak she walked through snow under bright stars until
    morning came then they found golden river crossed bridge met wise bear spoke kindly to him gave bread apples water
    laughed sang danced all night long never wanted go home again but wind called their names so every one ran back
    over hills fields where mother waited at door happy end
"""


@functools.cache
def _header(file_type: str, layers: int, vocab_size: int, eos_token_id: int, weights_bytes: int) -> bytes:
    """All of a model file that comes before its weights, padded up to where they begin."""
    # Imported while the warm parent still loads: the world need not be ready later for that.
    import gguf
    import numpy

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "header.gguf")
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_name("TinyLlama 1.1B Chat v1.0")
        writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{file_type}"])
        writer.add_block_count(layers)
        writer.add_context_length(2048)
        writer.add_vocab_size(vocab_size)
        writer.add_tokenizer_model("llama")
        writer.add_token_list([*SPECIAL_TOKENS, *(f"▁{word}" for word in WORDS.split())])
        writer.add_eos_token_id(eos_token_id)
        writer.add_tensor_info("token_embd.weight", [weights_bytes], numpy.dtype(numpy.int8), weights_bytes)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        header = path.read_bytes()
    return header + bytes(-len(header) % ALIGNMENT_BYTES)


def write_model(
    path: Path,
    *,
    size_bytes: int,
    file_type: str = "Q4_K_M",
    layers: int = 32,
    vocab_size: int = 32000,
    eos_token_id: int = 2,
) -> None:
    """Write a GGUF file of exactly `size_bytes` to `path`: llama architecture, `file_type` as its quantization.

    The directory is there already. Only the header takes room on disk. Raises ValueError for a quantization that GGUF
    does not know and for a size that cannot hold the header, OSError when the file cannot be written."""
    metadata = (file_type, layers, vocab_size, eos_token_id)
    try:
        weights_bytes = size_bytes - len(_header(*metadata, 0))
    except KeyError as error:
        raise ValueError(f"GGUF knows no quantization {file_type!r} (Q4_K_M, Q5_K_M, Q8_0, …)") from error
    if weights_bytes < 0:
        raise ValueError(f"a model file needs {-weights_bytes} bytes more than {size_bytes} for its header")
    with path.open("wb") as file:
        file.write(_header(*metadata, weights_bytes))
        file.truncate(size_bytes)
