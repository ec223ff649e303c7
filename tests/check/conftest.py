"""Where the hand-written models are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "check_models"))
