"""Source "attention": the word itself with sizes as options, or a ``.attention`` file of them (TOML). Nothing is executed."""

from __future__ import annotations

import os
import re
import types
import typing
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Literal

from netfig.errors import InvalidInput, UsageError, did_you_mean
from netfig.hooks import Loaded, Request
from netfig.sources.attention_options import AttentionOptions
from netfig.sources.files import read_file, refuse_what_models_take

if TYPE_CHECKING:
    from netfig.graph.attention import AttentionSpec

WORD = "attention"
SUFFIX = ".attention"
_NAME = re.compile(r"\A[^\W\d_](?:\w{0,30}[^\W_])?\Z")
_HINT = "leave it out; sizes are given as --d-model 8 --heads 2 --tokens 4"
_SIZES = ("d_model", "heads", "tokens", "keys", "d_k", "d_v", "kv_heads", "d_memory")
_MOST = 10**7


def accepts(target: Any) -> bool:
    """The word ``attention``, or a path that ends in ``.attention``."""
    if not isinstance(target, (str, os.PathLike)):
        return False
    text = os.fspath(target)
    return isinstance(text, str) and (text == WORD or text.lower().endswith(SUFFIX))


def load(request: Request, options: AttentionOptions) -> Loaded:
    """The canonical graph of what the options say, on top of what the file says if there is one.

    Raises:
        UsageError: sizes that do not fit together; all of them are named.
        InvalidInput: the file is not TOML, or says what no attention has.
    """
    from netfig.graph.attention_build import attention_graph

    run = replace(request, sizes={})
    refuse_what_models_take(run, "an attention from its sizes takes", "it is never run, and drawn for one example", _HINT)
    text = os.fspath(request.target)
    if text == WORD:
        options = _sized(options, request)
        return Loaded(attention_graph(_spec(options), request.name or WORD, origin=" ".join([WORD, *_given(options)])))
    name = os.path.basename(text)
    given = {f.name: getattr(options, f.name) for f in fields(options) if getattr(options, f.name) != f.default}
    spec = _spec(_sized(replace(read_options(read_file(text, "attention file"), text), **given), request))
    return Loaded(attention_graph(spec, request.name or os.path.splitext(name)[0], origin=name))


def _sized(options: AttentionOptions, request: Request) -> AttentionOptions:
    """The options with ``--size`` numbers for names."""
    if not request.sizes:
        return options
    from netfig.graph.formula_graph import check_names

    names = {name: size for name in _SIZES if isinstance(size := getattr(options, name), str)}
    check_names(request.sizes, dict.fromkeys(names.values()), "the attention")
    known: dict[str, Any] = {name: request.sizes[size] for name, size in names.items() if size in request.sizes}
    return replace(options, **known)


def read_options(raw: bytes, where: str) -> AttentionOptions:
    """The options in a ``.attention`` file: ``d_model = 8`` and the like.

    Raises:
        InvalidInput: it is not TOML, or has keys or values that no attention has; all of them are named.
    """
    import tomllib

    try:
        table = tomllib.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput("this is not TOML", where=where, why=str(error), hint="write lines such as: d_model = 8") from None
    hints = typing.get_type_hints(AttentionOptions)
    wrong, near = [], ""
    for key, value in table.items():
        if key not in hints:
            wrong.append(f"{key}: an attention has no such size or setting")
            near = near or did_you_mean(key, hints)
        elif not _fits(value, hints[key]):
            wrong.append(f"{key} = {value!r} does not fit: {_words(hints[key])}")
    if wrong:
        raise InvalidInput(wrong[0], where=where, why="\n       ".join(wrong[1:]), hint=near)
    return AttentionOptions(**table)


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(_fits(value, one) for one in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def _words(hint: Any) -> str:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return " or ".join(_words(one) for one in typing.get_args(hint) if one is not types.NoneType)
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a name"}[hint]


def _given(options: AttentionOptions) -> list[str]:
    """The options as they were typed, for the origin of the graph."""
    words = []
    for f in fields(options):
        value = getattr(options, f.name)
        if value != f.default:
            word = f.name.replace("_", "-")
            words.append(f"--{'' if value else 'no-'}{word}" if isinstance(value, bool) else f"--{word} {value}")
    return words


def _spec(options: AttentionOptions) -> AttentionSpec:
    from netfig.graph.attention import spec_of

    cross = options.cross or options.keys is not None or options.d_memory is not None
    _check(options, cross=cross)
    letters = "qkvo" if options.output_projection else "qkv"
    try:
        return spec_of(
            options.d_model,
            options.heads,
            queries=options.tokens,
            keys=options.keys if options.keys is not None else "m" if cross else None,
            kv_heads=options.kv_heads,
            d_k=options.d_k,
            d_v=options.d_v,
            d_key=options.d_memory,
            projections=letters,
            bias=letters if options.bias else "",
            fused=options.fused,
            scale=options.scale,
            masks=tuple(m for m in ("causal", "window", "padding") if getattr(options, m) not in (None, False)),
            window=options.window,
            position=options.position,
            qk_norm=options.qk_norm,
            softcap=options.softcap,
            dropout=options.dropout,
            cross=cross,
        )
    except InvalidInput as error:
        raise UsageError(error.what, why=error.why, hint=error.hint) from error


def _check(options: AttentionOptions, *, cross: bool) -> None:
    """Sizes are whole numbers from 1 on, or names; settings do not contradict one another."""
    wrong = []
    for name in _SIZES:
        size = getattr(options, name)
        word = "--" + name.replace("_", "-")
        if isinstance(size, int) and not 1 <= size <= _MOST:
            wrong.append(f"{word} must be from 1 to {_MOST:,}, not {size}")
        elif isinstance(size, str) and not _NAME.match(size):
            wrong.append(f"{word} must be a whole number or a name such as d_model, not {size!r}")
    if not 0.0 <= options.dropout < 1.0:
        wrong.append(f"--dropout must be from 0 to below 1, not {options.dropout:g}")
    if options.fused == "qkv" and cross:
        wrong.append("a cross attention cannot have one matrix for queries, keys and values: --fused kv")
    if wrong:
        raise UsageError(wrong[0], why="\n       ".join(wrong[1:]))
