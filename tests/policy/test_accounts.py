"""What users have received: charging, the lift, forgetting, and names made to do harm."""

import numpy as np
import pytest

from andes_backend.policy.accounts import Accounts, Prices

NOBODY = np.zeros(0, np.intp)


def admit(accounts: Accounts, *users: int) -> None:
    accounts.turn(np.array(users, np.intp), NOBODY)


def charge(accounts: Accounts, user: int, tokens: int) -> None:
    accounts.charge(np.array([user]), prompt=np.array([tokens]))


def test_prices_and_weights() -> None:
    accounts = Accounts(Prices(prompt=1.5, output=4.0, weights={"gold": 2.0}))
    gold, iron = accounts.arrive("gold", 0.0), accounts.arrive("iron", 0.0)
    both = np.array([gold, iron, gold])
    accounts.charge(both, prompt=np.array([10, 10, 0]), output=np.array([1, 1, 5]))
    assert accounts.counter[gold] == (15 + 4 + 20) / 2
    assert accounts.counter[iron] == 15 + 4


def test_who_comes_back_is_lifted_to_the_least_of_those_who_wait() -> None:
    accounts = Accounts()
    first, second = accounts.arrive("first", 0.0), accounts.arrive("second", 0.0)
    charge(accounts, first, 100)
    charge(accounts, second, 70)
    assert accounts.counter[accounts.arrive("third", 1.0)] == 70


def test_who_has_requests_waiting_is_not_lifted() -> None:
    accounts = Accounts()
    first, second = accounts.arrive("first", 0.0), accounts.arrive("second", 0.0)
    charge(accounts, first, 100)
    accounts.arrive("second", 1.0)
    assert accounts.counter[second] == 0


def test_nobody_is_lifted_down() -> None:
    accounts = Accounts()
    first, second = accounts.arrive("first", 0.0), accounts.arrive("second", 0.0)
    charge(accounts, first, 100)
    admit(accounts, first)
    assert accounts.arrive("first", 1.0) == first
    assert (accounts.counter[first], accounts.counter[second]) == (100, 0)


@pytest.mark.parametrize("is_over", [False, True])
def test_an_empty_queue_lifts_to_whoever_left_it_last(is_over: bool) -> None:
    accounts = Accounts()
    first = accounts.arrive("first", 0.0)
    admit(accounts, first)
    charge(accounts, first, 100)
    if is_over:
        accounts.leave(first, waited=False, now=1.0)
    assert accounts.counter[accounts.arrive("second", 2.0)] == 100


def test_who_is_no_further_than_the_queue_is_forgotten_at_once_and_nothing_is_lost() -> None:
    accounts = Accounts()
    ahead, behind = accounts.arrive("ahead", 0.0), accounts.arrive("behind", 0.0)
    charge(accounts, ahead, 100)
    charge(accounts, behind, 60)
    accounts.leave(behind, waited=True, now=1.0)
    assert len(accounts) == 1
    assert accounts.counter[accounts.arrive("behind", 2.0)] == 100  # as if it were remembered


def test_who_is_ahead_is_remembered_for_a_time() -> None:
    accounts = Accounts(forget_after_s=60.0)
    greedy, waits = accounts.arrive("greedy", 0.0), accounts.arrive("waits", 0.0)
    admit(accounts, greedy)
    charge(accounts, greedy, 100)
    accounts.leave(greedy, waited=False, now=1.0)
    again = accounts.arrive("greedy", 60.0)
    assert accounts.counter[again] == 100
    accounts.leave(again, waited=True, now=61.0)
    assert accounts.counter[accounts.arrive("greedy", 122.0)] == 0
    assert accounts.counter[waits] == 0


def test_a_request_without_a_name_is_a_user_of_its_own() -> None:
    accounts = Accounts()
    first, second = accounts.arrive(None, 0.0), accounts.arrive(None, 0.0)
    assert first != second
    accounts.leave(first, waited=True, now=1.0)
    accounts.leave(second, waited=True, now=1.0)
    assert len(accounts) == 0


@pytest.mark.slow
def test_two_hundred_thousand_names_leave_nothing_behind() -> None:
    accounts = Accounts(most_idle=100)
    for index in range(200_000):  # 2,000 times what may stay
        user = accounts.arrive(f"user {index}", index * 1e-3)
        admit(accounts, user)
        charge(accounts, user, 1)
        accounts.leave(user, waited=False, now=index * 1e-3)
    assert len(accounts) <= 101
    assert len(accounts.counter) <= 256


def test_with_others_waiting_idle_users_are_bounded_too() -> None:
    accounts = Accounts(most_idle=100)
    accounts.arrive("waits", 0.0)
    for index in range(1000):
        user = accounts.arrive(f"user {index}", 0.0)
        admit(accounts, user)
        charge(accounts, user, 1)
        accounts.leave(user, waited=False, now=0.0)
    assert len(accounts) == 101
    assert accounts.counter[accounts.arrive("user 999", 1.0)] == 1  # the latest are kept
    assert accounts.counter[accounts.arrive("user 0", 1.0)] == 0


def test_a_forecast_is_the_mean_of_the_last_five() -> None:
    accounts = Accounts(forecast="average", assumed_output=300.0)
    user = accounts.arrive("reader", 0.0)
    assert accounts.forecast(user, 0) == 300
    for tokens in (1000, 10, 20, 30, 40, 50):
        accounts.finished(user, tokens)
    assert accounts.forecast(user, 0) == 30
    assert Accounts(forecast="known").forecast(user, 77) == 77
    assert Accounts().forecast(user, 77) == 0
