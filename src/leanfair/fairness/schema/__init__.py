"""`summary.json` of an audit, key by key.

`leanfair.fairness.audit` writes it; the page and whatever compares audits read it. The string below
each key is its documentation: docs/run-directory.md is generated from it. Rates, differences and
shares are fractions of 1. "A rule" is the name of a decision rule; "none" is the judge without one.
"""

from leanfair.fairness.schema.coverage import Coverage as Coverage
from leanfair.fairness.schema.coverage import Reason as Reason
from leanfair.fairness.schema.flips import Answer as Answer
from leanfair.fairness.schema.flips import Example as Example
from leanfair.fairness.schema.flips import Flips as Flips
from leanfair.fairness.schema.flips import Pair as Pair
from leanfair.fairness.schema.flips import PairAmongAnswered as PairAmongAnswered
from leanfair.fairness.schema.flips import PlaceboFlips as PlaceboFlips
from leanfair.fairness.schema.flips import Variation as Variation
from leanfair.fairness.schema.groups import Counts as Counts
from leanfair.fairness.schema.groups import Gap as Gap
from leanfair.fairness.schema.groups import GapParts as GapParts
from leanfair.fairness.schema.groups import Group as Group
from leanfair.fairness.schema.groups import Grouping as Grouping
from leanfair.fairness.schema.groups import GroupOutcome as GroupOutcome
from leanfair.fairness.schema.groups import Outcomes as Outcomes
from leanfair.fairness.schema.groups import SingleRowGroup as SingleRowGroup
from leanfair.fairness.schema.measures import ByRule as ByRule
from leanfair.fairness.schema.measures import DifferenceName as DifferenceName
from leanfair.fairness.schema.measures import FourFifths as FourFifths
from leanfair.fairness.schema.measures import GapName as GapName
from leanfair.fairness.schema.measures import Interval as Interval
from leanfair.fairness.schema.measures import MetricName as MetricName
from leanfair.fairness.schema.measures import OutcomeName as OutcomeName
from leanfair.fairness.schema.measures import RateName as RateName
from leanfair.fairness.schema.measures import SummaryMetricName as SummaryMetricName
from leanfair.fairness.schema.summary import Data as Data
from leanfair.fairness.schema.summary import Judge as Judge
from leanfair.fairness.schema.summary import Settings as Settings
from leanfair.fairness.schema.summary import Summary as Summary
