"""The same questions asked of many: models, layers, units, photos; one tree of results.

read_plan, StudyPlan        what is asked: a TOML file, or objects
run_study                   measure what is missing, by one worker or by those of torchrun
Study                       a folder of results, opened lazily: select, measure, compare
Series, RunFolder           one question asked of many images, and the folder of that run
"""

from erf.study.against import compare_folders
from erf.study.axes import Entry
from erf.study.comparing import StudyComparison
from erf.study.folder import RunFolder, free_place, new_place
from erf.study.growth import GrowthProbe, read_growth
from erf.study.places import find_results, named_paths, open_results
from erf.study.plan import StudyMethod, StudyModel, StudyPlan
from erf.study.running import Outcome, run_study
from erf.study.series import Series, strongest_images
from erf.study.study import Study, open_any
from erf.study.table import StudyRow, StudyTable
from erf.study.toml import plan_of, read_plan

__all__ = [
    "Entry",
    "GrowthProbe",
    "Outcome",
    "RunFolder",
    "Series",
    "Study",
    "StudyComparison",
    "StudyMethod",
    "StudyModel",
    "StudyPlan",
    "StudyRow",
    "StudyTable",
    "compare_folders",
    "find_results",
    "free_place",
    "named_paths",
    "new_place",
    "open_any",
    "open_results",
    "plan_of",
    "read_growth",
    "read_plan",
    "run_study",
    "strongest_images",
]
