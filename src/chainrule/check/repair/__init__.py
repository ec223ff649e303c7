"""Repair as proof: the mistake is named by the one change to the user's code that mends it."""

from chainrule.check.repair.breaks import find_repair_that_runs
from chainrule.check.repair.plain import PLAIN
from chainrule.check.repair.search import Repair, find_repairs

__all__ = ["PLAIN", "Repair", "find_repair_that_runs", "find_repairs"]
