"""Tables as people have them: read rightly, or refused with a sentence that helps.

The first part are public files and reports of reading trouble, rebuilt in a few lines.
"""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.data import load
from chainrule.errors import InputError


@pytest.fixture
def read(tmp_path):
    def read(text, target=None, **options):
        path = tmp_path / "t.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, target, **options)

    return read


# --- public files and reports -------------------------------------------------------------------

READ = {
    "wine quality (UCI): semicolons, quoted names": (
        '"fixed acidity";"pH";"quality"\n7.4;3.51;5\n7.8;3.2;6\n',
        [[7.4, 3.51], [7.8, 3.2]],
        (5, 6),
    ),
    "spaceship (Kaggle): booleans": (
        "Age,VIP,Transported\n39,False,False\n24,True,True\n",
        [[39, 0], [24, 1]],
        ("False", "True"),
    ),
    "pokemon (Kaggle): a header that begins with #": (
        "#,HP,Legendary\n25,45,False\n4,60,True\n",
        [[25, 45], [4, 60]],
        ("False", "True"),
    ),
    "savetxt (NumPy): names in a comment": (
        "# a,b,y\n1.0,2.0,0.0\n2.0,3.0,1.0\n",
        [[1, 2], [2, 3]],
        (0, 1),
    ),
    "write.csv (R): numbered rows": ('"","a","y"\n"1",5,0\n"2",6,1\n', [[5], [6]], (0, 1)),
    "long identifiers as labels (pandas 5697)": (
        "h,id\n3,1556559573141592653\n4,1556559573141592654\n",
        [[3], [4]],
        (1556559573141592653, 1556559573141592654),
    ),
}


@pytest.mark.parametrize("name", READ)
def test_public_files_that_are_read(read, name):
    text, X, classes = READ[name]
    data = read(text)
    np.testing.assert_array_equal(data.X, np.float32(X))
    assert data.classes == classes
    assert data.y.tolist() == [0, 1]


REFUSED = {
    "titanic (Kaggle)": (
        'Id,Survived,Name,Age,Cabin\n1,0,"Braund, Mr. Owen",22,\n2,1,"Cumings ""Flo""",,C85\n'
        "3,1,Heikkinen,26,\n",
        r"1 in column 4 \('Age'\) \(''\), 2 in column 5 \('Cabin'\) \(''\), of 3 rows, the first "
        r"in line 2",
    ),
    "auto-mpg (UCI): a question mark, no header": (
        "18,8,130,chevy\n25,4,?,ford\n",
        r"1 in column 3 \('\?'\), of 2 rows, the first in line 2",
    ),
    "air quality (UCI): decimal commas, empty columns at the end": (
        "CO;T;AH;;\n2,6;13,6;0,7578;;\n2;13,3;0,7255;;\n;;;;\n",
        r"2 in column 4 \(''\) \(''\), 2 in column 5",
    ),
    "commas between thousands (Stack Overflow)": (
        'a,b,y\n"1,200","4,200",0\n"7,000",-0.03,1\n',
        r"column 1 \('a'\) has commas that may stand before decimals or between thousands: "
        r"'1,200'; pass decimal",
    ),
    "a space before a quote (turicreate 1692)": (
        'a, b\n1, "x"\n2, "y\n',
        r"line 2, column 2 \('b'\) is not plain: '\"x\"'; remove the space before its quote",
    ),
    "a typographic closing quote (csvw 52)": (
        'Row,Content\n1,"i am an unclosed comment”\n2,Lorem\n3,Ipsum\n',
        "line 2: a quote that opens there is never closed",
    ),
    "identifiers of 20 digits (readr 976)": (
        "scholar,h,y\n11898508762506083287,3,0\n3266119658877827603,4,1\n",
        r"'11898508762506083287': whole numbers over 2\*\*53 are not exact",
    ),
    "world development indicators: lines before the header": (
        '\ufeff"Data Source","World Development Indicators",\n\n'
        '"Country Name","Code","2019","2020",\n"Aruba","ABW","1.5","2.5",\n',
        "line 3 has 5 cells, want 3 as in the first line",
    ),
    "a bank's export: lines before the header (icsv2ledger 9)": (
        '"Account:","1234567890 / Internet"\n\n"From:","01.01.2012"\n"Date","Payee","Amount"\n',
        "line 4 has 3 cells, want 2",
    ),
    "life expectancy: an apostrophe in cp1252": (
        "code,country\n1,Korea\n2,People\x92s Rep.\n".encode("latin-1"),
        r"is not UTF-8 text \(line 3, byte 92\).*'cp1252'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_public_files_that_are_refused(read, name):
    text, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        read(text)


# --- separators and decimals --------------------------------------------------------------------


def test_decimal_commas(read):
    data = read("1,5;2\n3,5;4\n")
    assert data.X.tolist() == [[1.5], [3.5]]
    assert data.classes == (2, 4)
    assert (data.reading.separator, data.reading.decimal) == (";", ",")
    quoted = read('a,b,y\n"1,5","0,25",0\n"-2,75","1e3",1\n')
    assert quoted.X.tolist() == [[1.5, 0.25], [-2.75, 1000]]
    one_proves_all = read("a;b;y\n1,234;0,5;0\n2,500;1,5;1\n")
    np.testing.assert_array_equal(one_proves_all.X, np.float32([[1.234, 0.5], [2.5, 1.5]]))
    assert read("a;y\n1,5;0,25\n2,5;0,5\n").y.tolist() == [0.25, 0.5]  # targets too


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;y\n1,234;0\n2,500;1\n", "may stand before decimals or between thousands: '1,234'"),
        ("a;b;y\n1,5;2.5;0\n", r"has decimal commas \('1,5'\), but .* has points \('2.5'\)"),
        ("a;y\n1.234,50;0\n", "'1.234,50'; remove the thousands separators"),
        ("a;y\n1 234;0\n", "'1 234'; remove the thousands separators"),
        ("a;y\n1'234.5;0\n", "remove the thousands separators"),
    ],
)
def test_commas_that_can_be_read_in_two_ways(read, text, message):
    with pytest.raises(InputError, match=message):
        read(text)


def test_the_decimal_may_be_given(read):
    assert read("a;y\n1,234;0\n2,500;1\n", decimal=",").X[1, 0] == 2.5
    with pytest.raises(InputError, match=r"has points .* but decimal=',' was given"):
        read("a;y\n1.5;0\n", decimal=",")
    with pytest.raises(InputError, match="'1,5'; write decimals with a point"):
        read("a;y\n1,5;0\n", decimal=".")


def test_the_separator_that_makes_numbers_is_chosen(read):
    assert read("a,note,y\n1,2,red;blue\n3,4,green;blue\n").reading.separator == ","
    assert read("a|b|y\n1|2,5|x\n").X.tolist() == [[1, 2.5]]
    assert read("1 2 x\n3 4 y\n", separator=" ").X.tolist() == [[1, 2], [3, 4]]
    assert read("a;b\n1;red, dark\n2;blue, dark\n").classes == ("blue, dark", "red, dark")
    with pytest.raises(InputError, match="if spaces are between the cells, pass separator=' '"):
        read("1 2 0\n3 4 1\n")


# --- the first line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2019,2020,2021\n1.5,2.5,0\n2.5,3.5,1\n",
        "2019,2020,kind\n1.5,2.5,a\n2.5,3.5,b\n",
        "0,1,2,3\n5,6,7,0\n",
        "1,2,3\n5,6,0\n",
        "0,1,target\n5,6,0\n7,8,1\n",
    ],
)
def test_a_first_line_that_may_be_names_or_data(read, text):
    with pytest.raises(InputError, match="may be column names or data; pass header=True"):
        read(text)
    assert read(text, header=True).feature_names[0] == text.split(",")[0]
    assert read(text, header=False).feature_names is None


def test_a_first_line_that_is_data(read):
    assert read("1950,2001,x\n1960,2010,y\n").feature_names is None  # years all the way down
    assert read("0,0,0\n0,1,1\n").feature_names is None
    assert len(read("5.1,3.5,setosa\n4.9,3.0,virginica\n").X) == 2


def test_comments_and_empty_lines_are_left_out_and_said(read):
    data = read("# measured in May\n\n# by hand\na,y\n1,0\n\n ,\n \n2,1\n\n")
    assert data.X.tolist() == [[1], [2]]
    assert data.feature_names == ("a",)
    assert data.reading.left_out == ("2 lines of comment", "3 empty lines")
    assert data.reading.header_line == 4


def test_names_that_occur_twice(read):
    with pytest.raises(InputError, match="columns 1 and 3 are both called 'a'; rename one"):
        read("a,b,a\n1,2,0\n")


# --- missing values -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        *["NA", "na", "N/A", "#N/A", "NaN", "None", "null", "-", "?", "<NA>", "#DIV/0!", "--"],
    ],
)
@pytest.mark.parametrize("column", ["a", "y"])
def test_every_spelling_of_missing_is_refused_alike(read, word, column):
    a, y = (word, "x") if column == "a" else ("3", word)
    with pytest.raises(InputError, match=rf"1 in column \d \('{column}'\).*of 3 rows.*line 4"):
        read(f"a,y\n1,x\n2,y\n{a},{y}\n")


def test_what_counts_as_missing_may_be_given(read):
    text = "a,severity\n1,None\n2,Mild\n3,Severe\n"
    with pytest.raises(InputError, match=r"\('None'\).*list with missing="):
        read(text)
    assert read(text, missing=["NA"]).classes == ("Mild", "None", "Severe")
    with pytest.raises(InputError, match=r"\('unknown'\)"):
        read("a,y\n1,Unknown\n2,x\n".replace("Unknown", "unknown"), missing=["Unknown"])
    with pytest.raises(InputError, match=r"\(''\)"):  # an empty cell always does
        read("a,y\n1,x\n,y\n", missing=[])


# --- cells --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("1_234", "remove the underscores"),
        ("１２", "write its digits as 0 to 9"),
        ("12%", "remove the percent signs"),
        ("$1200", "remove the currency signs"),
        ("30 €", "remove the currency signs"),
        ("−5", "write the minus sign as -"),
        ("0x1F", "write numbers in base 10"),
        ("2024-05-01", "it is a date"),
        ("1.5.2024", "it is a date"),
        ("12:30", "it is a time"),
        ("-inf", "it is infinite"),
        ("yes", "features must be numbers; encode or remove that column"),
    ],
)
def test_features_that_are_no_plain_numbers(read, cell, hint):
    with pytest.raises(InputError, match=rf"line 3, column 2 \('b'\) is not a number: .*{hint}"):
        read(f"a,b,y\n1,2,0\n1,{cell},1\n")


@pytest.mark.parametrize("cell", ["1_234", "12%", "2024-05-01", "１２", "$5"])
def test_targets_that_are_nearly_numbers_become_classes_only_if_asked(read, cell):
    text = f"a,y\n1,5\n2,{cell}\n"
    with pytest.raises(InputError, match="or pass task='classification'"):
        read(text)
    assert read(text, task="classification").classes == tuple(sorted(["5", cell]))


def test_all_columns_of_text_are_named_at_once(read):
    with pytest.raises(InputError, match=r"'Braund'; .*neither are column 3 \('sex'\) \('male'\)"):
        read("age,name,sex,y\n1,Braund,male,0\n")


def test_booleans_are_0_and_1_and_no_numbers(read):
    data = read("a,b,y\n1,TRUE,0\n2,False,1\n")
    assert data.X.tolist() == [[1, 1], [2, 0]]
    assert data.reading.booleans == ("b",)
    with pytest.raises(InputError, match="'True'"):
        read("a,b,y\n1,True,0\n2,5,1\n")


def test_large_whole_numbers(read):
    assert read("a,y\n9007199254740991,0\n1,1\n").X[0, 0] == np.float32(2**53)
    assert read("a,y\n1e16,0\n1,1\n").X[0, 0] == np.float32(1e16)
    with pytest.raises(InputError, match=r"over 2\*\*53 are not exact.*if it is an identifier"):
        read("a,y\n9007199254740993,0\n1,1\n")
    labels = read("a,y\n1,9007199254740993\n2,9007199254740992\n")
    assert labels.classes == (9007199254740992, 9007199254740993)
    with pytest.raises(InputError, match="make the labels text"):
        read("a,y\n1,11898508762506083287\n2,11898508762506083286\n")


# --- quotes -------------------------------------------------------------------------------------


def test_line_ends_and_separators_in_quotes(read):
    data = read('a,y\n1,"two\nlines"\n2,"x,y"\n3,"a ""b"""\n')
    assert data.classes == ('a "b"', "two\nlines", "x,y")
    assert data.X.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a,y\n1,"x\n2,y\n3,z\n', "line 2: a quote that opens there is never closed"),
        ('a,y\n1,x\n2,"y', "line 3: a quote that opens there is never closed"),
        ('# c\na,y\n1,x\n"2,y\n3,z', "line 4: a quote that opens there is never closed"),
        ('"a,y\n1,x\n', "is not a readable table|one column"),
        ('a,y\n1,"x\n2,y"\n3,z\n', "holds whole lines: .*a quote in it is not closed"),
        ('a,b,y\n1,"2\n3,4,x\n5,6,"y"\n', "line 2|row 2"),
    ],
)
def test_quotes_that_are_not_closed(read, text, message):
    with pytest.raises(InputError, match=message):
        read(text)


# --- encodings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode(read, encoding):
    data = read("höhe,ort\n1,Köln\n2,北京\n".encode(encoding))
    assert data.classes == ("Köln", "北京")
    assert data.feature_names == ("höhe",)
    assert data.reading.encoding == encoding.upper().removesuffix("-SIG")


def test_other_encodings_must_be_named(read):
    text = "a,ort\n1,Köln\n2,Bonn\n".encode("cp1252")
    with pytest.raises(InputError, match=r"is not UTF-8 text \(line 2, byte f6\)"):
        read(text)
    assert read(text, encoding="cp1252").classes == ("Bonn", "Köln")
    with pytest.raises(InputError, match="is not ascii text"):
        read(text, encoding="ascii")
    with pytest.raises(InputError, match="encoding must be the name of one"):
        read(text, encoding="klingon")
    for binary in ("a,y\n1,2\n".encode("utf-16-le"), b"a,y\n1,\0\n", bytes(100)):
        with pytest.raises(InputError, match="is not text: it holds zero bytes"):
            read(binary)


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ",,"}, "separator must be one character"),
        ({"separator": '"'}, "separator must be one character"),
        ({"header": "yes"}, "header must be True, False or None"),
        ({"decimal": "'"}, "decimal must be '.' or ','"),
        ({"decimal": ",", "separator": ","}, "must differ"),
        ({"missing": "NA"}, "missing must be a list of words"),
        ({"missing": [1]}, "missing must be a list of words"),
    ],
)
def test_bad_options(read, options, message):
    with pytest.raises(InputError, match=message):
        read("a,y\n1,0\n", **options)


def test_what_was_decided_is_said(read):
    lines = dict(read("a;b;c;kind\n1,5;2;True;x\n2;3;False;y\n").reading.lines())
    assert lines["read as"] == "semicolon between cells, decimal comma, names in line 1, UTF-8"
    assert lines["columns"] == "2 numbers (a, b), 1 boolean (c) as 0 and 1; target kind (text)"
    assert lines["missing"].startswith("no values (looked for: empty cells, na, ")
    assert "left out" not in lines
    wide = ",".join(f"c{i}" for i in range(20)) + "\n" + ",".join("5" * 20) + "\n"
    assert "19 numbers (c0, c1, c2, c3, c4, …, c18)" in read(wide).reading.lines()[1][1]
