"""Without the extra, one line says how to install it."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
{code}
"""


def without(package, code, cwd):
    text = WITHOUT.format(package=package, code=code)
    command = [sys.executable, "-c", text]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=100)


def test_the_library_says_what_to_install(tmp_path):
    done = without("matplotlib", "import chainrule.figures", tmp_path)
    assert "MissingExtraError: drawing figures needs the package 'matplotlib'" in done.stderr
    assert "pip install 'chainrule[figures]'" in done.stderr


@pytest.mark.parametrize("words", [["plot", "x"], ["report", "x"], ["train", "--animate"]])
def test_commands_say_what_to_install_before_they_begin(tmp_path, words):
    code = f"import sys; sys.argv = ['chainrule', *{words}]\nfrom chainrule.cli import main; main()"
    done = without("matplotlib", code, tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'chainrule[figures]'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_other_commands_do_without(tmp_path):
    code = "import sys; sys.argv = ['chainrule', '--help']\nfrom chainrule.cli import main; main()"
    assert without("matplotlib", code, tmp_path).returncode == 0
