"""load: CSV and its relatives, and the rule for targets."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import load
from chainrule.data.table import read_table
from chainrule.errors import InputError, StorageError

FLOWERS = "length,width,kind\n5.1,3.5,setosa\n4.9,3.0,virginica\n6.2,2.2,setosa\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="t.csv"):
        path = tmp_path / name
        content = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def test_text_targets_are_classes(write):
    data = load(write(FLOWERS))
    np.testing.assert_array_equal(data.X, np.float32([[5.1, 3.5], [4.9, 3.0], [6.2, 2.2]]))
    assert data.X.dtype == np.float32
    assert data.X.flags.c_contiguous
    assert data.y.tolist() == [0, 1, 0]
    assert data.y.dtype == np.int64
    assert data.classes == ("setosa", "virginica")
    assert data.feature_names == ("length", "width")
    assert data.source.endswith("t.csv")
    X, y = data
    assert X is data.X
    assert y is data.y
    assert "2 classes" in repr(data)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "T.CSV", "t.tsv", "t.tsv.gz"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_endings_separators_and_newlines(write, name, delimiter, newline):
    text = "\ufeff\n" + FLOWERS.replace(",", delimiter).replace("\n", newline) + "\n"
    data = load(write(text, name))
    assert data.classes == ("setosa", "virginica")
    assert data.feature_names == ("length", "width")
    assert data.X.shape == (3, 2)


@pytest.mark.parametrize("target", ["a", 0, -3, "0", "-3", np.int64(0)])
def test_target_by_name_and_index(write, target):
    data = load(write("a,b,c\n0,1.5,2.5\n1,3,4\n"), target)
    assert data.feature_names == ("b", "c")
    assert data.X.tolist() == [[1.5, 2.5], [3, 4]]
    assert data.y.tolist() == [0, 1]


def test_without_header(write):
    data = load(write("5.1,3.5,setosa\n4.9,3.0,virginica\n"))
    assert data.feature_names is None
    assert data.X.shape == (2, 2)


def test_header_given(write):
    path = write("0,1,target\n5,6,0\n7,8,1\n")
    assert load(path, header=True).feature_names == ("0", "1")
    with pytest.raises(InputError, match="pass header=True"):
        load(path)
    assert load(path, header=False).classes == ("0", "1", "target")
    assert load(write("1,2\n3,4\n"), header=True).X.tolist() == [[3]]


def test_the_index_that_pandas_writes_is_left_out(write):
    data = load(write(",a,kind\n0,5,x\n1,6,y\n"))
    assert data.feature_names == ("a",)
    assert data.X.tolist() == [[5], [6]]
    assert load(write(",a,kind\n3,5,x\n1,6,y\n")).X.shape == (2, 2)


def test_quoted_cells(write):
    data = load(write('"a ""x""",kind\n1,"red, dark"\n2,"blue"\n'))
    assert data.feature_names == ('a "x"',)
    assert data.classes == ("blue", "red, dark")


@pytest.mark.parametrize(
    ("cells", "y", "classes"),
    [
        (["3", "7", "3"], [0, 1, 0], (3, 7)),
        (["0", "1", "2"], [0, 1, 2], (0, 1, 2)),
        (["-1.0", "1", "1e0"], [0, 1, 1], (-1, 1)),
        (["10", "9", "b"], [0, 1, 2], ("10", "9", "b")),
        (["0.5", "1", "2"], [0.5, 1, 2], None),
    ],
)
def test_the_rule_for_targets(write, cells, y, classes):
    data = load(write("a,y\n" + "".join(f"1,{c}\n" for c in cells)))
    assert data.y.tolist() == y
    assert data.classes == classes
    assert data.y.dtype == (np.float32 if classes is None else np.int64)


def test_many_whole_numbers_are_real_values(write):
    assert load(write("a,y\n" + "".join(f"1,{i}\n" for i in range(100)))).classes is not None
    many = write("a,y\n" + "".join(f"1,{i}\n" for i in range(101)))
    assert load(many).classes is None
    assert len(load(many, task="classification").classes) == 101


def test_task_overrides_the_rule(write):
    whole, fractions = write("a,y\n1,3\n1,4\n"), write("a,y\n1,.5\n1,2\n", "f.csv")
    assert load(whole, task="regression").y.dtype == np.float32
    assert load(whole, task="regression").y.tolist() == [3, 4]
    assert load(fractions, task="classification").classes == (0.5, 2)
    with pytest.raises(InputError, match=r"line 2, column 3 \('kind'\) is 'setosa'"):
        load(write(FLOWERS), task="regression")
    with pytest.raises(InputError, match="task must be one of"):
        load(whole, task="ranking")


def test_classes_of_the_training_set(write):
    test = write("a,y\n1,7\n1,5\n")
    assert load(test, classes=(3, 5, 7)).y.tolist() == [2, 1]
    assert load(test, classes=(3, 5, 7)).classes == (3, 5, 7)
    assert load(test, classes=("x", "7", "5")).y.tolist() == [1, 2]
    with pytest.raises(InputError, match=r"line 3, column 2 \('y'\) is 5, which is not one of"):
        load(test, classes=(3, 7))
    with pytest.raises(InputError, match="did you mean 'virginicas'"):
        load(write(FLOWERS), classes=("setosa", "virginicas"))
    with pytest.raises(InputError, match="different labels"):
        load(test, classes=(1, 1))
    with pytest.raises(InputError, match="classes= is for classification"):
        load(test, classes=(1, 2), task="regression")


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(width=32, allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=20,
    )
)
def test_numbers_come_back(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text("y,x\n" + "".join(f"{y!r},{x!r}\n" for y, x in table))
    data = load(path, "y", task="regression")
    np.testing.assert_array_equal(data.X[:, 0], np.float32([x for _, x in table]))
    np.testing.assert_array_equal(data.y, np.float32([y for y, _ in table]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "column names but no rows"),
        ("a\n1\n", "has one column: 'a'"),
        ("a,b,y\n1,2,0\n1,2\n", "line 3 has 2 cells, want 3"),
        ("a,b,y\n\n1,2,0\n1,2,0,9\n", "line 4 has 4 cells, want 3"),
        ("a,b,y\n1,2,0\n1,,1\n", r"1 in column 2 \('b'\) \(''\), of 2 rows, the first in line 3"),
        ("a,b,y\n1,NA,0\n", r"1 in column 2 \('b'\) \('NA'\), of 1 rows, the first in line 2"),
        ("a,b,y\n1,2,0\n1,nan,1\n", r"1 in column 2 \('b'\) \('nan'\)"),
        ("a,b,y\n1,2,0\n1,2,?\n", r"1 in column 3 \('y'\) \('\?'\)"),
        ("a,b,y\n1,2,0\n1,2,\n", r"1 in column 3 \('y'\) \(''\)"),
        ("a,b,y\n1,inf,0\n", r"line 2, column 2 \('b'\) is not a number: 'inf'; it is infinite"),
        ("a,y\n1,0\n-1e99,1\n", r"line 3, column 1 \('a'\) is too large for float32: '-1e99'"),
        ("a,y\n1,inf\n", r"line 2, column 2 \('y'\) is not plain: 'inf'; it is infinite"),
        ("a,y\n1,0.5\n1,1e99\n", r"line 3, column 2 \('y'\) is inf"),
        ("a,b,y\n1,red,0\n", r"line 2, column 2 \('b'\) is not a number: 'red'; features must"),
        ("1,red,0\n", r"line 1, column 2 is not a number: 'red'; features must"),
        ('a,y\n"1\n",0\n1,"x\nz"\nb,1\n', r"row 4, column 1 \('a'\) is not a number: 'b'"),
        (b"a,y\n1,\xff\n", r"is not UTF-8 text \(line 2, byte ff\).*encoding="),
    ],
)
def test_bad_tables(write, text, message):
    with pytest.raises(InputError, match=message) as caught:
        load(write(text))
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("knd", "no column 'knd', did you mean 'kind'.*its columns: length, width, kind"),
        (3, "has 3 columns, so target must be from -3 to 2, got 3"),
        (-4, "from -3 to 2, got -4"),
        ("9", "from -3 to 2, got 9"),
        (True, "name or index"),
        (1.0, "name or index"),
    ],
)
def test_unknown_target(write, target, message):
    with pytest.raises(InputError, match=message):
        load(write(FLOWERS), target)


def test_target_names_that_cannot_be_found(write, tmp_path):
    with pytest.raises(InputError, match="no column names: give target as an index"):
        load(write("1,2\n3,4\n"), "y")
    with pytest.raises(InputError, match="columns 1 and 2 are both called 'a'"):
        load(write("a,a,y\n1,2,0\n"), "a")
    with pytest.raises(InputError, match="got the path"):
        load(write(FLOWERS), tmp_path)
    wide = ",".join(f"c{i}" for i in range(30)) + "\n" + ",".join(["1"] * 30) + "\n"
    with pytest.raises(InputError, match="c19, …"):
        load(write(wide), "zz")


def test_truncated_gzip(write):
    path = write(FLOWERS, "t.csv.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StorageError, match="truncated or damaged"):
        load(path)


def test_lines_of_the_rows(write):
    table = read_table(write("\na,y\n\n1,0\n\n2,1\n"))
    assert [table.place(i) for i in range(2)] == ["line 4", "line 6"]
    assert table.target_name == "column 2 ('y')"
