"""Test of behaviour: the gradients in the other mode, training or eval."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.check.behaviour.subject import OutOfTimeError, Subject
from chainrule.check.report.records import Finding
from chainrule.check.runtime.compare import same_loss
from chainrule.check.runtime.failures import told

__all__ = ["train_and_eval"]


def train_and_eval(subject: Subject) -> Iterator[Finding]:
    """The gradients are right in the other mode, too, where the model has two.

    Wrong ones in eval mode are told, and no failure: nobody descends along them.
    """
    target = subject.target
    found_in = target.training
    if found_in is None or not subject.right:
        return
    frozen, saved = target._frozen, target.snapshot()
    here, there = ("training", "eval") if found_in else ("eval", "training")
    try:
        target._frozen = None
        target.set_training(not found_in)
        if not same_loss(target.loss(), target.loss()):
            target.freeze()
        share = subject.share_now()
    except OutOfTimeError:
        raise
    except Exception as error:  # somebody's code may raise anything
        text = f"right in {here} mode; could not be run in {there} mode: {told(error)}"
        yield Finding("train-and-eval", True, text)
        return
    finally:
        target.set_training(found_in)
        target._frozen = frozen
        target.restore(saved)
    if share is None:
        yield Finding("train-and-eval", True, "right in training and in eval mode")
    else:
        matters = "" if found_in is False else ": it matters to who goes backward there"
        text = f"right in {here} mode; in {there} mode {share}{matters}"
        yield Finding("train-and-eval", found_in, text)
