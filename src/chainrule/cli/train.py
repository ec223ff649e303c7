"""`chainrule train`: train a network, or go on with a run."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import typer

from chainrule.checks import as_count, check_choice, check_number
from chainrule.cli import options as opt
from chainrule.cli.output import command, count_of, print_error, print_json, standard_output
from chainrule.cli.runs import (
    Run,
    check_name,
    find_run,
    free_name,
    locked_folder,
    name_of_net,
    new_folder,
)
from chainrule.cli.session import Session
from chainrule.cli.settings import (
    Settings,
    default_net,
    is_regression,
    make_network,
    read_source,
    spell_optimizer,
)
from chainrule.cli.sources import MNIST, Source, absolute, absolute_target, load_source
from chainrule.errors import InputError
from chainrule.native import core_count, thread_count
from chainrule.nn import LOSSES, Network
from chainrule.train import read_history, read_settings
from chainrule.train.fit import DEFAULT_OPTIMIZER
from chainrule.train.interrupt import exit_code

__all__ = ["train"]

_WITH_RESUME = {"resume", "epochs", "save_every", "runs", "json"}


def train(
    context: typer.Context,
    net: opt.Net = None,
    loss: opt.Loss = None,
    data: opt.Data = MNIST,
    target: opt.Target = None,
    test_data: opt.TestData = None,
    holdout: opt.Holdout = None,
    separator: opt.Separator = None,
    header: opt.Header = None,
    decimal: opt.Decimal = None,
    encoding: opt.Encoding = None,
    missing: opt.Missing = None,
    optimizer: opt.Optimizer = None,
    lr: opt.Lr = None,
    schedule: opt.Schedule = None,
    weight_decay: opt.WeightDecay = None,
    l2: opt.L2 = None,
    clip_norm: opt.ClipNorm = None,
    batch_size: opt.BatchSize = 64,
    epochs: opt.Epochs = 10,
    patience: opt.Patience = None,
    seed: opt.Seed = 0,
    name: opt.Name = None,
    runs: opt.RunsFolder = opt.RUNS,
    force: opt.Force = False,
    save_every: opt.SaveEvery = None,
    animate: opt.Animate = False,
    engine: opt.Engine = "auto",
    threads: opt.Threads = None,
    resume: opt.Resume = None,
    json: opt.Json = False,
) -> None:
    """Train a network. Without options: the textbook run, 784-128-10 on MNIST.

    One row is printed an epoch, and all is saved in runs/NAME/. Ctrl-C, SIGTERM
    and SIGHUP stop it cleanly, and --resume goes on.
    """
    given = _given(context)
    if resume is not None:
        _refuse(given - _WITH_RESUME)
        _resume(
            find_run(resume, runs),
            epochs if "epochs" in given else None,
            save_every,
            json,
        )
        return
    if name is not None:
        check_name(runs, name, force=force)
    _check_numbers(batch_size, epochs, seed, patience, save_every)
    check_choice(engine, "--engine", ("auto", "native", "numpy"))
    threads = _capped(threads)
    spelled = spell_optimizer(
        optimizer or ("sgd" if data == MNIST else DEFAULT_OPTIMIZER),
        lr=lr,
        schedule=schedule,
        weight_decay=weight_decay,
        l2=l2,
        clip_norm=clip_norm,
    )
    wanted = Network.from_spec(net).spec if net is not None else None
    task = "auto" if loss is None else "regression" if is_regression(loss) else "classification"
    table = _table_choices(separator, header, decimal, encoding, missing)
    source = load_source(
        data,
        target=target,
        test_data=test_data,
        holdout=holdout,
        seed=seed,
        task=task,
        table=table,
    )
    loss = LOSSES.make(loss or _default_loss(source)).spelling
    settings = Settings(
        net=wanted or default_net(source, loss),
        loss=loss,
        optimizer=spelled,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        data=str(absolute(data)),
        target=absolute_target(data, target),
        test_data=absolute(test_data),
        holdout=holdout,
        patience=patience,
        save_every=save_every,
        animate=animate,
        engine=engine,
        threads=threads,
        table=table,
    )
    network = make_network(settings, source)
    if name is None and force:
        name = name_of_net(settings.net)
        check_name(runs, name, force=True)
    with new_folder(runs, name, settings.net) as folder:
        run = Run.in_folder(folder, settings, source)
        _run(Session(run, settings, source, network), json)


def _capped(threads: int | None) -> int | None:
    """`--threads`, but no more than there are cores, where more are only slower."""
    cores = core_count()
    if threads is None or thread_count(threads) <= cores:
        return threads
    print_error(f"--threads {threads}: only {count_of(cores, 'core')} here", label="warning:")
    return cores


def _name(runs: Path, net: str, *, force: bool) -> str:
    """The name of a run that was given none: a free one, or with --force that of its net."""
    if not force:
        return free_name(runs, net)
    check_name(runs, name_of_net(net), force=True)
    return name_of_net(net)


def _given(context: typer.Context) -> set[str]:
    """The names of the options that stand on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}


def _refuse(given: set[str]) -> None:
    if given:
        options = ", ".join(f"--{option.replace('_', '-')}" for option in sorted(given))
        raise InputError(
            f"--resume goes on with the run's own settings, so leave out {options}; only "
            f"--epochs and --save-every may be given with it"
        )


def _check_numbers(
    batch_size: int, epochs: int, seed: int, patience: int | None, save_every: int | None
) -> None:
    """What fit would refuse, before the data are read."""
    as_count(batch_size, "--batch-size")
    as_count(epochs, "--epochs")
    check_number(seed, "--seed", 0)
    if patience is not None:
        as_count(patience, "--patience")
    if save_every is not None:
        as_count(save_every, "--save-every")


def _table_choices(
    separator: str | None,
    header: bool | None,
    decimal: str | None,
    encoding: str | None,
    missing: str | None,
) -> dict[str, Any]:
    """How to read tables, of what stands on the command line."""
    choices = {
        "separator": "\t" if separator in ("tab", r"\t") else separator,
        "header": header,
        "decimal": decimal,
        "encoding": encoding,
        "missing": None if missing is None else missing.split(),
    }
    return {name: value for name, value in choices.items() if value is not None}


def _default_loss(source: Source) -> str:
    return "mse" if source.classes is None else "softmax_cross_entropy"


def _resume(run: Run, epochs: int | None, save_every: int | None, json: bool) -> None:
    """Go on with a run, to its own last epoch or to a later one."""
    if run.settings is None:
        raise InputError(
            f"{run.path!r} is a checkpoint outside a run folder, so its data are unknown; "
            f"in Python: fit(…, resume={run.path!r})"
        )
    run.check_checkpoint()
    saved = read_settings(run.checkpoint)
    _check_numbers(1, 1 if epochs is None else epochs, 0, None, save_every)
    wanted = run.settings.epochs if epochs is None else epochs
    if wanted < saved["epoch"]:
        raise InputError(
            f"{run.path!r} has {saved['epoch']} epochs behind it, so --epochs must be more, "
            f"got {wanted}"
        )
    s = dataclasses.replace(
        run.settings, epochs=wanted, save_every=save_every or run.settings.save_every
    )
    complete = wanted == saved["epoch"] or (wanted == saved["epochs"] and saved["stopped"])
    if complete and not json:
        _print_complete(run, saved["epoch"], wanted, saved["stopped"])
        return
    with locked_folder(run.folder):
        source = read_source(s, run.classes)
        session = Session(dataclasses.replace(run, settings=s), s, source, make_network(s, source))
        if complete:
            session.net.params = Network.load(run.checkpoint).params
            print_json(session.report(read_history(run.checkpoint)))
            return
        _run(session, json, resume=True)


def _print_complete(run: Run, done: int, wanted: int, stopped: str | None) -> None:
    console = standard_output()
    early = f" and stopped early: {stopped}" if stopped else ""
    console.print(f"{run.path} is complete: {done} of {wanted} epochs are done{early}.")
    more = command("train", "--resume", run.path, "--epochs", str(2 * wanted))
    console.print(f"To train it longer: {more}")


def _run(session: Session, json: bool, *, resume: bool = False) -> None:
    console = None if json else standard_output()
    if console is not None:
        if resume:
            console.print(f"Going on with {session.run.path}.", style="bold")
        session.print_header(console)
    try:
        history = session.fit(console, resume=resume)
    except KeyboardInterrupt as error:
        with contextlib.suppress(OSError):  # a terminal that has been closed
            _print_stopped(session.run)
        raise typer.Exit(exit_code(error)) from error
    if console is None:
        print_json(session.report(history))
    else:
        session.print_summary(console, history)


def _print_stopped(run: Run) -> None:
    """Where training stopped, and how to go on."""
    if not run.checkpoint.is_file():
        print_error("before training began; nothing was saved.", label="Stopped")
        return
    at = read_settings(run.checkpoint)
    place = f"in epoch {at['epoch'] + 1} of {at['epochs']}"
    if at["epoch"] == at["epochs"]:
        place = f"after the last of {at['epochs']} epochs"
    print_error(
        f"after step {at['step']:,}, {place}; go on with: {command('train', '--resume', run.path)}",
        label="Stopped",
    )
