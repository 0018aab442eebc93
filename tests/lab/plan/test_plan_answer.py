"""The sentence and the table: every way a search can end has words of its own."""

import math
from io import StringIO

from rich.console import Console

from andes_backend.lab.plan.answer import sentence, table
from andes_backend.lab.plan.estimate import Reach
from andes_backend.lab.plan.spec import Goal, PlanSpec
from andes_backend.lab.report.rates import Capacity
from tests.lab.plan import made_plans
from tests.lab.plan.made_plans import reach, spec

STOCK, QOE = reach("stock", 1.9, 2.0, 2.1), reach("qoe", 3.9, 4.0, 4.1)


def shown(asked: PlanSpec, *reaches: Reach) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(table(asked, reaches))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_sentence_says_what_the_best_policy_is_worth() -> None:
    said = sentence(spec(demand=100.0, price=2.0), [STOCK, QOE])
    assert said.startswith(
        "With qoe, a server (OPT-66B on 4 A100) keeps the mean QoE at 0.9 up to 4.00 (3.76 "
        "to 4.26) requests/s, 2.00 (1.88 to 2.13) times what stock does."
    )
    # 100 / 2 and 100 / 4 servers of 4 GPUs, within rounding of the geometric means.
    assert " that is 104 GPUs instead of 204: 100 (" in said
    assert "saved, 200 an hour, 146,000 a month." in said
    assert said.endswith("In brackets: 95% confidence, over 3 seeds.")


def test_without_a_demand_there_are_no_gpus_and_without_a_price_no_money() -> None:
    assert "GPUs instead" not in sentence(spec(), [STOCK, QOE])
    assert "an hour" not in sentence(spec(demand=10.0), [STOCK, QOE])
    assert "GPUs for" not in shown(spec(), STOCK, QOE)
    assert "costs" not in shown(spec(demand=10.0), STOCK, QOE)


def test_the_first_policy_may_be_the_best() -> None:
    said = sentence(spec(demand=10.0, price=1.0), [QOE, STOCK])
    assert "With qoe" in said
    assert "and no other policy gets further" in said
    assert "12 GPUs, which cost 12 an hour." in said


def test_one_seed_has_no_interval_and_says_so() -> None:
    said = sentence(spec(), [reach("stock", 2.0), reach("qoe", 4.0)])
    assert "up to 4.00 requests/s, 2.00 times what stock does. From one seed" in said


def test_a_goal_that_nobody_reaches() -> None:
    none = Capacity(0.0, 0.35)
    reaches = [reach("stock", none, none), reach("qoe", none, none)]
    said = sentence(spec(goal=Goal(qoe=0.99)), reaches)
    assert said.startswith(
        "None of stock, qoe keeps the mean QoE at 0.99, even at 0.35 requests/s: the server"
    )
    assert "not reached" in shown(spec(), *reaches)


def test_a_goal_that_everybody_reaches() -> None:
    much = Capacity(21.3, math.inf)
    reaches = [reach("stock", much), reach("qoe", much)]
    assert "even at 21.3 requests/s: set a higher goal." in sentence(spec(), reaches)
    assert "more than 21.3" in shown(spec(), *reaches)


def test_the_first_policy_may_be_the_only_one_without_a_rate() -> None:
    said = sentence(spec(demand=10.0), [reach("stock", 2.0, Capacity(0.0, 0.3)), QOE])
    assert "; stock: not reached with 1 of the seeds." in said
    assert "For 10 requests/s that is 12 GPUs." in said


def test_an_interrupted_search_shows_how_far_it_came() -> None:
    begun = reach("qoe", so_far=Capacity(3.0, 3.9))
    reaches = [reach("stock"), begun]
    assert sentence(spec(), reaches).startswith(
        "It is not known yet at which rates stock, qoe keep"
    )
    text = shown(spec(), *reaches)
    assert "3.00 to 3.90 so far" in text
    assert "not known yet" in text


def test_both_goals_are_named() -> None:
    goal = Goal(qoe=0.9, p10=0.5)
    assert "keeps the mean QoE at 0.9 and its 10th percentile at 0.5 up to" in sentence(
        spec(goal=goal), [STOCK, QOE]
    )


def test_the_table_fits_a_terminal() -> None:
    text = shown(spec(demand=100.0, price=2.0), STOCK, QOE, reach("andes", 3.0, 3.1, 3.2))
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "3.76–4.26" in text
    assert "1.88–2.13" in text
    assert made_plans.spec().profile_name in text
