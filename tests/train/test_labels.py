"""Text labels: their classes are learned with the network, kept in files and used afterwards."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule.train import evaluate

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
ANIMALS = ["cat", "dog", "dog", "cat"]


def trained(y=ANIMALS, spec="2-8(tanh)-2", **options):
    net = cr.Network.from_spec(spec)
    cr.fit(net, X, y, optimizer="adam(0.1)", epochs=60, batch_size=4, **options)
    return net


@pytest.mark.parametrize(
    "y",
    [
        ANIMALS,
        tuple(ANIMALS),
        np.array(ANIMALS),
        np.array(ANIMALS, object),
        [np.str_(label) for label in ANIMALS],
    ],
    ids=["list", "tuple", "array", "objects", "scalars"],
)
def test_labels_are_sorted_mapped_and_kept(y):
    net = trained(y)
    assert net.classes == ("cat", "dog")
    assert all(type(label) is str for label in net.classes)
    np.testing.assert_array_equal(net.params, trained([0, 1, 1, 0]).params)


def test_numbers_behave_as_before():
    assert trained([0, 1, 1, 0]).classes is None
    net = trained()
    before = net.params.copy()
    cr.fit(net, X, [0, 1, 1, 0], epochs=1)
    assert net.classes == ("cat", "dog")
    assert not np.array_equal(net.params, before)


def test_one_output_for_two_classes():
    net = trained(spec="2-8(tanh)-1", loss="binary_cross_entropy")
    assert net.classes == ("cat", "dog")
    result = evaluate(net, X, ANIMALS, loss="binary_cross_entropy")
    assert result.labels.tolist() == ANIMALS


def test_evaluation_speaks_in_classes():
    result = evaluate(trained(), X, ANIMALS)
    assert result.classes == ("cat", "dog")
    assert result.labels.tolist() == ANIMALS
    assert result.accuracy == 1
    assert len(result.worst_mistakes(ANIMALS)) == 0
    assert len(result.worst_mistakes(["dog"] * 4)) == 2
    assert evaluate(trained([0, 1, 1, 0]), X, [0, 1, 1, 0]).labels is None
    with pytest.raises(cr.InputError, match=r"y\[1\] is 'dgo', .*did you mean 'dog'"):
        evaluate(trained(), X, ["cat", "dgo", "dog", "cat"])
    with pytest.raises(cr.InputError, match="the network knows no classes: train it on text"):
        evaluate(trained([0, 1, 1, 0]), X, ANIMALS)


def test_copies_and_files_keep_the_classes(tmp_path):
    net = trained(callbacks=[cr.Checkpoint(tmp_path / "run.safetensors")])
    net.save(tmp_path / "net.safetensors")
    files = [cr.Network.load(tmp_path / f"{name}.safetensors") for name in ("net", "run")]
    copies = [net.copy(), net.astype(np.float64), copy.deepcopy(net)]
    for other in (*files, *copies, pickle.loads(pickle.dumps(net))):
        assert other.classes == ("cat", "dog")
    assert cr.train.read_settings(tmp_path / "run.safetensors")["classes"] == ["cat", "dog"]
    cr.Network.from_spec("2-2").save(tmp_path / "none.safetensors")
    assert cr.Network.load(tmp_path / "none.safetensors").classes is None


def test_a_file_with_other_classes_than_outputs(tmp_path):
    from chainrule.storage import save_tensors

    net = cr.Network.from_spec("2-2")
    for classes in (["a"], [1, 1], 5, [["a"], ["b"]], "ab"):
        meta = {"spec": "2-2", "classes": classes}
        save_tensors(tmp_path / "n.safetensors", "network", {"params": net.params}, meta)
        with pytest.raises(cr.StorageError, match="holds no network that can be built"):
            cr.Network.load(tmp_path / "n.safetensors")


def test_resuming_with_labels(tmp_path):
    path = tmp_path / "run.safetensors"
    whole = trained()
    net = cr.Network.from_spec("2-8(tanh)-2")
    options = {"optimizer": "adam(0.1)", "batch_size": 4}
    cr.fit(net, X, ANIMALS, epochs=30, callbacks=[cr.Checkpoint(path)], **options)
    again = cr.Network.from_spec("2-8(tanh)-2")
    cr.fit(again, X, ANIMALS, epochs=60, resume=path, **options)
    np.testing.assert_array_equal(again.params, whole.params)
    assert again.classes == ("cat", "dog")


def test_training_again_takes_the_classes_that_are_there():
    net = trained()
    cr.fit(net, X[:1], ["dog"], epochs=1)  # not class 0, though it is the only one here
    assert net.classes == ("cat", "dog")
    with pytest.raises(cr.InputError, match=r"y\[0\] is 'eel', which is not one of the 2 classes"):
        cr.fit(net, X[:1], ["eel"], epochs=1)


def test_classes_may_be_assigned():
    net = cr.Network.from_spec("2-2")
    net.classes = np.array([3, 7])
    assert net.classes == (3, 7)
    with pytest.raises(cr.InputError, match=r"classes must be 2 labels .*got 3"):
        net.classes = ["a", "b", "c"]
    with pytest.raises(cr.InputError, match="different labels"):
        net.classes = ["a", "a"]
    assert net.classes == (3, 7)
    net.classes = None
    assert net.classes is None


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (["a", "b", "c", "a"], {}, r"y has 3 classes \('a', 'b', 'c'\), but .* outputs for 2"),
        (["a"] * 4, {}, r"y has 1 classes \('a'\), but the network has outputs for 2"),
        (["a", "b", 3, "a"], {}, r"text or numbers, not both: y\[2\] is 3"),
        (np.array(["a", None, "b", "a"], object), {}, r"y\[1\] is None"),
        (["a", float("nan"), "b", "a"], {}, r"y\[1\] is nan"),
        (["a", "b"], {}, "y must be 4 integer labels"),
        (ANIMALS, {"loss": "mse"}, "y holds text, such as 'cat', but the loss mse compares"),
        ([["a"], ["b"], ["a"], ["b"]], {}, "y must hold real numbers"),
    ],
)
def test_labels_that_do_not_fit_change_nothing(y, options, message):
    net = cr.Network.from_spec("2-2")
    before = net.params.copy()
    with pytest.raises(cr.InputError, match=message):
        cr.fit(net, X, y, epochs=1, **options)
    np.testing.assert_array_equal(net.params, before)
    assert net.classes is None


def test_validation_labels():
    net = trained(validation=(X, ANIMALS))
    assert net.classes == ("cat", "dog")
    for held, message in (
        (["cat", "dog", "eel", "cat"], r"validation: y\[2\] is 'eel'"),
        ([0, 1, 1, 0], "must both hold text labels, or both numbers"),
    ):
        with pytest.raises(cr.InputError, match=message):
            trained(validation=(X, held))
    with pytest.raises(cr.InputError, match="must both hold text labels, or both numbers"):
        trained([0, 1, 1, 0], validation=(X, ANIMALS))


def test_a_run_does_not_go_on_with_other_names(tmp_path):
    path = tmp_path / "run"
    trained(callbacks=[cr.Checkpoint(path)])
    with pytest.raises(cr.StorageError, match=r"its classes are \('cat', 'dog'\).*'ant', 'bee'"):
        trained(["ant", "bee", "bee", "ant"], resume=path)
    assert trained(resume=path).classes == ("cat", "dog")
