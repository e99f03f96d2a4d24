"""Models to completions: ask every benchmark, or talk.

The first of the two steps that make a score; `judge.py` has the other. Which engine generates is chosen here and
nowhere else.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from specialists.errors import ConfigError, GenerateError
from specialists.family import CHAT, Family, Interpreter, Judging
from specialists.judge import Task, asked_inputs, load_tasks
from specialists.models import Model, judged
from specialists.progress import say
from specialists.recipe import Judge, Serving, read_recipe
from specialists.records import Message
from specialists.run import Run, Step

if TYPE_CHECKING:
    from specialists.generate.backend import Backend


def generate(
    family: Family,
    run: Run,
    judges: Sequence[Judge],
    judging: Judging,
    *,
    only: Sequence[str] = (),
    serving: Serving | None = None,
) -> None:
    """Let every model of the run answer every benchmark in the forms that it is asked in.

    Args:
        family: gives the benchmarks, and the interpreter where a judge allows one.
        run: gives the models; they may be another family's.
        judges: which benchmarks, and how much of each.
        judging: where programs run that a model writes while it answers.
        only: names of models; empty for all.
        serving: what generates, instead of what the run's recipe says.

    Raises:
        ConfigError: a model is asked for what it cannot be, such as weights that are not here.
        GenerateError: the backend or the interpreter does not work.
    """
    tasks, models = load_tasks(family, judges), judged(run, only)
    recipe = read_recipe(run.recipe_path)
    serving = serving or recipe.serving
    for model in models:
        missing = [
            (task, form, step)
            for task in tasks
            for form in model.forms(task.benchmark)
            if not (step := _step(run, model, task, form, serving, judging)).done
        ]
        if missing:
            interpreter = _interpreter(family, judging) if any(task.judge.tool_rounds for task, *_ in missing) else None
            _answer_all(model, missing, open_backend(model, serving, recipe.generate_batch), interpreter, judging)


def open_backend(model: Model, serving: Serving, batch: int) -> "Backend":
    """Open what generates for a model; `batch`: completions made at once.

    Raises:
        ConfigError: the weights are not here.
        GenerateError: vLLM is asked for and not installed.
    """
    if serving.backend == "openai":
        from specialists.generate.endpoint import EndpointBackend

        return EndpointBackend(serving, at_once=batch)
    if serving.backend == "vllm":
        try:
            from specialists.generate.engine import VLLMBackend
        except ModuleNotFoundError as error:
            raise GenerateError(f"--backend vllm: {error.name} is not installed; pip install vllm") from None
        return VLLMBackend(model.path)
    from specialists.generate.hf import HFBackend

    return HFBackend(model.path, batch=batch)


def talk(run: Run, name: str | None, max_new_tokens: int, read: Callable[[], str], show: Callable[[str], None]) -> None:
    """Hold a conversation with a model of a run until `read` gives an empty line.

    Args:
        run: has the model.
        name: of the model; the last chat model if None.
        max_new_tokens: length of a reply.
        read: asks the user for a line.
        show: shows a reply.

    Raises:
        ConfigError: the run has no such model, or no chat model.
        GenerateError: the backend cannot answer.
    """
    from specialists.generate.backend import Request, Settings

    models = judged(run, [name] if name else [])
    chosen = [model for model in models if name or model.objective == CHAT]
    if not chosen:
        raise ConfigError(f"--run {run.path}: none of its models is a chat model; choose one with --model")
    backend, said = open_backend(chosen[-1], read_recipe(run.recipe_path).serving, 1), ()
    say(f"{chosen[-1].name}; an empty line ends the conversation")
    while line := read():
        said = (*said, Message(role="user", content=line))
        ((_, reply),) = backend.generate([Request(said)], Settings(max_new_tokens))
        said = (*said, Message(role="assistant", content=reply.text))
        show(reply.text)


def _step(run: Run, model: Model, task: Task, form: str, serving: Serving, judging: Judging) -> Step:
    engine = " ".join(filter(None, (serving.backend, serving.endpoint, serving.served_model)))
    inputs = asked_inputs(model, task, form) | {"backend": engine}
    if task.judge.tool_rounds:
        inputs |= {"interpreter": judging.sandbox}
    return run.completions(model.name, task.benchmark.name, form, inputs)


def _interpreter(family: Family, judging: Judging) -> AbstractContextManager[Interpreter]:
    if family.open_interpreter is None:
        raise ConfigError(f"tool_rounds: {family.name} has no interpreter for a model to use; leave it at 0")
    return family.open_interpreter(judging)


def _answer_all(
    model: Model,
    missing: Sequence[tuple[Task, str, Step]],
    backend: "Backend",
    interpreter: AbstractContextManager[Interpreter] | None,
    judging: Judging,
) -> None:
    from specialists.generate.tools import ToolBackend

    with interpreter or nullcontext() as tools:
        for task, form, step in missing:
            rounds = task.judge.tool_rounds
            if tools is None or not rounds:
                step.finish(_answer(model, task, form, step, backend) | {"stamps": []})
                continue
            with_tools = ToolBackend(backend, tools, most_calls=rounds, sandbox=judging.sandbox)
            facts = _answer(model, task, form, step, with_tools)
            step.finish(facts | {"stamps": list(tools.stamps())})


def _answer(model: Model, task: Task, form: str, step: Step, backend: "Backend") -> dict[str, Any]:
    from specialists.generate.backend import Settings
    from specialists.generate.generate import complete

    judge = task.judge
    num_tokens, seconds = complete(
        task.problems,
        task.benchmark.forms[form],
        backend,
        Settings(task.max_new_tokens, judge.temperature, judge.top_p, judge.top_k, task.stop(form)),
        judge,
        step.begin(),
        label=f"{model.name}: {task.benchmark.name}, {form}",
    )
    return {"tokens": num_tokens, "wall_s": seconds, "protocol": dict(backend.protocol)}
