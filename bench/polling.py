"""How old a reading is when it reaches Home Assistant, and how many polls that takes.

A simulated week of readings that appear in the cloud at different times after the quarter-hour,
polled with what is learned on the way (from nothing), and at a fixed interval of 15 minutes. A
reading's age counts from its publication; one that a newer reading has replaced counts until that
was seen. Run it with `scripts/bench polling`; it fails when a constant delay has a mean of more
than a minute, or costs more polls than the fixed interval.
"""

import sys
from datetime import timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Final

from custom_components.onemeter.polling import FixedSchedule, LearningSchedule
from tests.integration.reader_simulation import (
    START,
    WEEK,
    Life,
    changing,
    constant,
    live,
    uniform,
)

if TYPE_CHECKING:
    from tests.integration.reader_simulation import Delay

SEED: Final = "bench"
HIGHEST_MEAN_SECONDS: Final = 60.0
CONSTANT: Final[dict[str, tuple[Delay, ...]]] = {
    "+20 s": (constant(20),),
    "+4 min": (constant(240),),
}
OTHERS: Final[dict[str, tuple[Delay, ...]]] = {
    "random, 0 to 10 min": (uniform(0, 600, seed=1),),
    "two devices, +20 s and +4 min": (constant(20), constant(240)),
    "+20 s, +4 min from mid-week on": (changing(20, START + WEEK / 2, 240),),
    "+4 min, +20 s from mid-week on": (changing(240, START + WEEK / 2, 20),),
}


def row(name: str, life: Life) -> str:
    """Return a line of the table."""
    ages = life.ages()
    percentile = ages[round(0.95 * (len(ages) - 1))]
    polls_per_day = len(life.polls) / (WEEK / timedelta(days=1))
    most = life.most_polls_in_a_day()
    return f"{name:>34}{fmean(ages):10.1f}{percentile:10.1f}{polls_per_day:10.1f}{most:10}"


def main() -> None:
    """Print the table, and fail if a goal is missed."""
    missed = False
    print(f"{'':>34}{'mean age':>10}{'95 %':>10}{'polls/day':>10}{'most/24 h':>10}")
    for name, delays in (CONSTANT | OTHERS).items():
        learning = live(LearningSchedule(SEED), *delays)
        fixed = live(FixedSchedule(timedelta(minutes=15), SEED), *delays)
        print(name)
        print(row("learning", learning))
        print(row("fixed", fixed))
        ratio = fmean(learning.ages()) / fmean(fixed.ages())
        polls = len(learning.polls) / len(fixed.polls)
        print(f"{'learning / fixed':>34}{ratio:10.2f}{'':10}{polls:10.3f}")
        missed |= name in CONSTANT and (
            fmean(learning.ages()) > HIGHEST_MEAN_SECONDS or len(learning.polls) > len(fixed.polls)
        )
    sys.exit(missed)


if __name__ == "__main__":
    main()
